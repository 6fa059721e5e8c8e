"""Times of day: what the sky looks like, and how bright and how warm a wall is."""

from dataclasses import dataclass
from functools import cached_property
from math import cos, exp, radians, sin

Color = tuple[int, int, int]

_HAZE_DISTANCE_M = 260.0  # where the haze has taken 63 % of a colour


@dataclass(frozen=True)
class Light:
    """One time of day.

    Attributes:
        name: What it is called.
        sun_heading_deg: Where the sun stands, clockwise from north.
        sun_elevation_deg: How high it stands.
        ambient: Brightness of a wall in the shade.
        direct: What full sun adds to it.
        tint: Colour of the light, per channel; 1 is neutral.
        sky_top: Colour of the sky overhead.
        sky_low: Colour of the sky at the horizon, and of the haze.
        cloud: Colour of the clouds.
        clouds: How many clouds all around.
        shadow: How dark a cast shadow is, 0 to 1.
        lit_windows: Share of the windows with a light behind them.
    """

    name: str
    sun_heading_deg: float
    sun_elevation_deg: float
    ambient: float
    direct: float
    tint: tuple[float, float, float]
    sky_top: Color
    sky_low: Color
    cloud: Color
    clouds: int
    shadow: float
    lit_windows: float = 0.0

    @cached_property
    def towards_sun(self) -> tuple[float, float, float]:
        """Unit vector from the town to the sun."""
        heading, elevation = radians(self.sun_heading_deg), radians(self.sun_elevation_deg)
        return sin(heading) * cos(elevation), cos(heading) * cos(elevation), sin(elevation)

    def shade(self, color: Color, normal: tuple[float, float, float] | None, depth_m: float) -> Color:
        """The colour of a face as it is seen: lit by its normal (None: a soft thing), then hazed by its distance."""
        facing = 0.55 if normal is None else sum(a * b for a, b in zip(normal, self.towards_sun, strict=True))
        brightness = self.ambient + self.direct * max(0.0, facing)
        haze = 1 - exp(-max(0.0, depth_m) / _HAZE_DISTANCE_M)
        red, green, blue = (
            min(255, round((1 - haze) * min(255.0, channel * brightness * tint) + haze * low))
            for channel, tint, low in zip(color, self.tint, self.sky_low, strict=True)
        )
        return red, green, blue


# The sun stands where it stands at Point Nemo in January, at 9, 14, 11 and 18 hours: in the north at noon.
MORNING = Light(
    "morning", 69, 45, 0.70, 0.42, (1.0, 1.0, 0.98), (84, 152, 214), (214, 232, 240), (255, 255, 255), 16, 0.28
)
AFTERNOON = Light(
    "afternoon", 307, 54, 0.70, 0.42, (1.02, 1.0, 0.95), (74, 140, 210), (226, 234, 232), (255, 252, 246), 9, 0.28
)
OVERCAST = Light(
    "overcast", 30, 61, 0.86, 0.10, (0.96, 0.98, 1.0), (176, 188, 198), (220, 224, 226), (232, 235, 238), 26, 0.05
)
EVENING = Light(
    "evening", 255, 16, 0.66, 0.40, (1.06, 0.96, 0.84), (92, 118, 176), (250, 208, 160), (255, 220, 190), 12, 0.22, 0.3
)
