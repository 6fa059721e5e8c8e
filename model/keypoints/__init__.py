"""Keypoints of pictures, and networks that match them."""
