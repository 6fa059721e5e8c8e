"""Offline: turns geotagged pictures into a map, and owns the map's format."""
