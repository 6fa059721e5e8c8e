"""The reliability of confidences: maps are calibrated repeatedly, and tested on other photos."""
