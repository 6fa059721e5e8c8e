"""The demo: a town that the project renders, a network trained on it, and a map of some of its streets."""
