"""A pinhole camera in a town measured in metres: east, north, up."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import cos, radians, sin

Point = tuple[float, float, float]  # metres east, north and up
Pixel = tuple[float, float]

_NEAR_M = 0.25  # what is nearer is cut off: its projection would not be finite


@dataclass(frozen=True)
class Camera:
    """Where a picture is taken from.

    It never tilts: as in an architect's photograph the horizon is moved down instead, and walls stay upright.

    Attributes:
        position: Of the pinhole.
        heading_deg: Viewing direction, clockwise from north.
        focal_px: Focal length in pixels.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        horizon_px: Row of the horizon, from the top.
    """

    position: Point
    heading_deg: float
    focal_px: float
    width: int
    height: int
    horizon_px: float

    @cached_property
    def _forward(self) -> tuple[float, float]:
        return sin(radians(self.heading_deg)), cos(radians(self.heading_deg))

    def to_view(self, point: Point) -> Point:
        """Metres right of, above and in front of the camera."""
        east, north = point[0] - self.position[0], point[1] - self.position[1]
        forward_east, forward_north = self._forward
        return (
            east * forward_north - north * forward_east,
            point[2] - self.position[2],
            east * forward_east + north * forward_north,
        )

    def depth_m(self, point: Point) -> float:
        """Distance in front of the camera; negative behind it."""
        return self.to_view(point)[2]

    def project(self, polygon: Sequence[Point]) -> list[Pixel]:
        """The polygon's corners in the picture, cut at the near plane; empty if nothing is left."""
        view = [self.to_view(point) for point in polygon]
        if any(depth < _NEAR_M for _, _, depth in view):
            view = _cut_at_near_plane(view)
        scale, centre, horizon = self.focal_px, self.width / 2, self.horizon_px
        return [(centre + scale * right / depth, horizon - scale * up / depth) for right, up, depth in view]

    def pixels_per_m(self, point: Point) -> float:
        """How large a metre is at a point; 0 where nothing is drawn, behind the camera or right before it."""
        depth = self.depth_m(point)
        return self.focal_px / depth if depth >= _NEAR_M else 0.0


def _cut_at_near_plane(polygon: list[Point]) -> list[Point]:
    """Sutherland and Hodgman's clipping against one plane."""
    kept: list[Point] = []
    for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if start[2] >= _NEAR_M:
            kept.append(start)
        if (start[2] >= _NEAR_M) != (end[2] >= _NEAR_M):
            share = (_NEAR_M - start[2]) / (end[2] - start[2])
            kept.append((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]), _NEAR_M))
    return kept
