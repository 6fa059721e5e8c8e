"""The running service: a photo comes in over HTTP, a position with its evidence goes out."""
