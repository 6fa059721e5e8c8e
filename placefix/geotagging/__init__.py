"""The writing of found positions to photos, marked as estimates, and their removal."""
