"""Pictures for people: where a network looks, what it matches, what it answers. Drawn with Pillow."""
