"""The demo: a street that the project draws itself, and the map that is built from its pictures."""
