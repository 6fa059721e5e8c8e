"""Changes of a map that exists: one module for each command."""
