"""How fast pictures are encoded, where the time goes, and what rounding costs."""
