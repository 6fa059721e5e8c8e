"""Serve the tiles below the map on the page: from a file, or from another server, as the operator chooses."""
