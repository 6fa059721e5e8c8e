"""The rendered demo town: streets, houses, weather, and pictures of them."""
