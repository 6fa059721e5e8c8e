"""Online: answers photos from a map, over HTTP."""
