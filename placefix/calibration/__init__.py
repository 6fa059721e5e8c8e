"""Calibrate a map: ask it questions whose answers are known, and fit how sure its evidence is."""
