"""Which pictures of a map were not taken where it says."""
