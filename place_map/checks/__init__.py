"""What is looked at when a map is verified."""
