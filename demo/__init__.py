"""The demo: a town that the project renders itself, a network trained on it, and a map of some of its streets."""
