"""The effect of keeping only some cells of a picture: bytes and recall, by number and by way of choosing."""
