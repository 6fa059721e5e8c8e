"""Estimates made by hand."""

from placefix.answers.estimate import Estimate

NORTH_WEST = Estimate(55.70584123, -13.19321, "localized", 0.9874, 12.5, 0.95, "lund ö", "000002")
SOUTH_EAST = Estimate(-33.9, 18.4233, "uncalibrated", None, None, None, "cape", "000001")
METHOD = (
    "PLACEFIX estimate map=lund%20%C3%B6 version=000002 status=localized confidence=0.9874 radius_m=12.5 level=0.95"
)
