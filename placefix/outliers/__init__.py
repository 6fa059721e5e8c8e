"""The search for pictures of a map with wrong positions."""
