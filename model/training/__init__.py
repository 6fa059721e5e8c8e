"""Training: triplets, losses, and the loop that adapts a frozen backbone to place recognition."""
