"""The parts of ``placefix evaluate``."""
