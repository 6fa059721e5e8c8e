"""Tiles below the map on the page, where the operator has chosen some: from a file, or from another server."""
