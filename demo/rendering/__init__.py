"""The demo town, rendered: streets, houses, weather, and the pictures that are taken of them."""
