"""The page in a real browser: how smoothly a map of many pictures is panned."""
