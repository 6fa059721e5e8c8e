"""What `placefix evaluate` is put together from."""
