"""Whether confidences mean what they say: maps are calibrated again and again, and tested on other photos."""
