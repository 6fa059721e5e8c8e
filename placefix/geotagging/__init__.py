"""Write found positions back to photos, marked as estimates, and take them away again."""
