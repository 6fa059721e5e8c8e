"""The speed of encoding pictures, the distribution of its time, and the cost of rounding."""
