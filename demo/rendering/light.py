"""The light of a picture: sun, sky, lamps and weather, as the shaders get them."""

from dataclasses import dataclass
from math import cos, radians, sin
from random import Random

from demo.rendering.houses import Colour
from demo.rendering.shots import Condition, Shot

_LIT_SHARE = 0.4  # share of the windows at night


@dataclass(frozen=True)
class Light:
    """Hold the light of a picture; colours are linear.

    Attributes:
        sun: Colour of the direct light.
        sky: Colour of the light from above, and of the zenith.
        horizon: Colour of the sky at the horizon, and of fog.
        bounce: Colour of the light from below.
        night: 0 by day, 1 at night: lamps and windows.
        lit_share: Share of the windows.
        haze: Extinction per metre.
        wet: Wetness of the ground, in [0, 1].
        snow: On the ground, in [0, 1].
        rain: In the air, in [0, 1].
        snowfall: In the air, in [0, 1].
        clouds: Cover in [0, 1].
        exposure: Exposure of the camera.
        warmth: White balance: gain of red over that of blue.
        grain: Standard deviation of the sensor's noise, in [0, 1].
    """

    sun: Colour
    sky: Colour
    horizon: Colour
    bounce: Colour
    night: float
    lit_share: float
    haze: float
    wet: float
    snow: float
    rain: float
    snowfall: float
    clouds: float
    exposure: float
    warmth: float
    grain: float


_GREY = Light(
    (0.08, 0.08, 0.08), (0.78, 0.82, 0.9), (0.85, 0.87, 0.9), (0.3, 0.3, 0.29),
    0, 0.05, 0.0012, 0, 0, 0, 0, 0.95, 1.35, 1.0, 0.008,
)  # fmt: skip

_LIGHTS: dict[Condition, Light] = {
    "sun": Light(
        (2.0, 1.8, 1.5), (0.36, 0.52, 0.85), (0.75, 0.84, 0.95), (0.32, 0.29, 0.25),
        0, 0.0, 0.0008, 0, 0, 0, 0, 0.4, 1.12, 1.0, 0.006,
    ),
    "overcast": _GREY,
    "dusk": Light(
        (0.12, 0.06, 0.03), (0.15, 0.19, 0.36), (0.62, 0.34, 0.24), (0.08, 0.075, 0.08),
        0.55, 0.25, 0.0015, 0, 0, 0, 0, 0.55, 1.55, 1.03, 0.008,
    ),
    "night": Light(
        (0, 0, 0), (0.024, 0.03, 0.055), (0.045, 0.042, 0.055), (0.022, 0.019, 0.016),
        1, _LIT_SHARE, 0.002, 0, 0, 0, 0, 0.6, 1.95, 1.04, 0.013,
    ),
    "fog": Light(
        (0, 0, 0), (0.62, 0.65, 0.69), (0.66, 0.69, 0.72), (0.26, 0.26, 0.26),
        0.1, 0.12, 0.025, 0.2, 0, 0, 0, 1, 1.08, 1.0, 0.008,
    ),
    "rain": Light(
        (0, 0, 0), (0.42, 0.46, 0.53), (0.5, 0.53, 0.58), (0.16, 0.16, 0.17),
        0.15, 0.15, 0.006, 1, 0, 1, 0, 1, 1.45, 0.98, 0.012,
    ),
    "snow": Light(
        (0, 0, 0), (0.7, 0.75, 0.83), (0.74, 0.77, 0.82), (0.5, 0.51, 0.53),
        0.1, 0.12, 0.007, 0.2, 1, 0, 1, 1, 1.15, 0.99, 0.008,
    ),
}  # fmt: skip


def light_of(shot: Shot) -> Light:
    """Return the light of a picture: that of its condition, a little different on every visit."""
    rng = Random(f"light {shot.street} {shot.visit}")
    light = _LIGHTS[shot.condition]
    strength = rng.uniform(0.75, 1.25)
    wet, rain = light.wet, light.rain
    if shot.condition == "night" and rng.random() < 0.3:
        wet, rain = 1.0, rng.choice((0.0, 0.6))
    return Light(
        light.sun,
        light.sky,
        light.horizon,
        light.bounce,
        light.night,
        light.lit_share * rng.uniform(0.8, 1.2),
        light.haze * rng.uniform(0.7, 1.4),
        wet,
        light.snow,
        rain * strength,
        light.snowfall * strength,
        min(1.0, light.clouds * rng.uniform(0.7, 1.3)),
        light.exposure * rng.uniform(0.86, 1.16),
        light.warmth * rng.uniform(0.95, 1.05),
        light.grain,
    )


def sun_direction(hour: float) -> tuple[float, float, float]:
    """Return the direction of a southern summer's sun (east, north, up): it stands in the north at noon."""
    azimuth, height = radians(15 * (12 - hour)), radians(max(8.0, 58 - 7.5 * abs(hour - 12)))
    return sin(azimuth) * cos(height), cos(azimuth) * cos(height), sin(height)
