"""Pictures for people of a network's activation, its matches and its answers, drawn with Pillow."""
