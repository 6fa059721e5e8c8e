"""A prepared run on a GPU: every fast path of the device against the plain one on the CPU, and the service."""
