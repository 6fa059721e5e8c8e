"""A whole query, from the bytes of a photo to an answer: as it is served, and by the plain path."""
