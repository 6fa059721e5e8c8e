"""The front door: one command line, where the other packages are put together."""
