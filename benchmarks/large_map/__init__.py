"""Maps of many invented places: bytes, memory and seconds at several sizes, and how they grow."""
