"""The cost and quality of each store of local features: bytes, recall, counts, order and time."""
