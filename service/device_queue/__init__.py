"""Queries wait for the device, and one thread that owns it answers them."""
