"""Training: triplets, losses, and the loop that turns a frozen backbone towards place recognition."""
