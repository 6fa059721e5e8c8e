"""What can be done to a map that is there: one module for each command."""
