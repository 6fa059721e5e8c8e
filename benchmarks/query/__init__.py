"""A whole query, from the bytes of a photo to an answer, in the service and by the plain path."""
