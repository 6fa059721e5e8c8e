"""Positions on the Earth: WGS84 degrees, UTM metres, and the distance between two of them.

UTM follows C. F. F. Karney, "Transverse Mercator with an accuracy of a few nanometers" (2011): Krüger's series in the
third flattening n, here to n^6. Inside a zone its error is below a micrometre.
"""

from dataclasses import dataclass
from math import atan2, atanh, cos, cosh, degrees, hypot, isfinite, radians, sin, sinh, sqrt, tan

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_M = 6_371_008.8  # mean radius of the WGS84 ellipsoid (2a + b) / 3

_SEMI_MAJOR_M = 6_378_137.0
_FLATTENING = 1 / 298.257223563
_SCALE = 0.9996
_FALSE_EASTING_M = 500_000.0
_FALSE_NORTHING_M = 10_000_000.0  # added on the southern hemisphere
_N = _FLATTENING / (2 - _FLATTENING)
_ECCENTRICITY = sqrt(_FLATTENING * (2 - _FLATTENING))
_RECTIFYING_RADIUS_M = _SEMI_MAJOR_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64 + _N**6 / 256)

# Karney (2011), Eq. 35 and 36, lowest order first.
_ALPHA = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16 + 41 * _N**4 / 180 - 127 * _N**5 / 288 + 7891 * _N**6 / 37800,
    13 * _N**2 / 48 - 3 * _N**3 / 5 + 557 * _N**4 / 1440 + 281 * _N**5 / 630 - 1983433 * _N**6 / 1935360,
    61 * _N**3 / 240 - 103 * _N**4 / 140 + 15061 * _N**5 / 26880 + 167603 * _N**6 / 181440,
    49561 * _N**4 / 161280 - 179 * _N**5 / 168 + 6601661 * _N**6 / 7257600,
    34729 * _N**5 / 80640 - 3418889 * _N**6 / 1995840,
    212378941 * _N**6 / 319334400,
)
_BETA = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360 - 81 * _N**5 / 512 + 96199 * _N**6 / 604800,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440 + 46 * _N**5 / 105 - 1118711 * _N**6 / 3870720,
    17 * _N**3 / 480 - 37 * _N**4 / 840 - 209 * _N**5 / 4480 + 5569 * _N**6 / 90720,
    4397 * _N**4 / 161280 - 11 * _N**5 / 504 - 830251 * _N**6 / 7257600,
    4583 * _N**5 / 161280 - 108847 * _N**6 / 3991680,
    20648693 * _N**6 / 638668800,
)


@dataclass(frozen=True, slots=True)
class LatLon:
    """Hold a position in WGS84 degrees.

    Attributes:
        latitude: Degrees in [-90, 90], north positive.
        longitude: Degrees in [-180, 180], east positive.

    Raises:
        ValueError: A coordinate is not finite, or out of its range.
    """

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not isfinite(self.latitude) or not -90 <= self.latitude <= 90:
            raise ValueError(f"latitude {self.latitude} is not in [-90, 90] degrees")
        if not isfinite(self.longitude) or not -180 <= self.longitude <= 180:
            raise ValueError(f"longitude {self.longitude} is not in [-180, 180] degrees")


@dataclass(frozen=True, slots=True)
class Utm:
    """Hold a position in UTM.

    Attributes:
        easting_m: Metres east, 500,000 on the zone's central meridian.
        northing_m: Metres north of the equator; 10,000,000 is added south of it.
        zone: 1 to 60.
        is_north: Whether it is on the northern hemisphere.
    """

    easting_m: float
    northing_m: float
    zone: int
    is_north: bool

    def __post_init__(self) -> None:
        if not 1 <= self.zone <= 60:
            raise ValueError(f"UTM zone {self.zone} is not in 1 to 60")
        if not isfinite(self.easting_m) or not 100_000 <= self.easting_m <= 1_000_000:
            raise ValueError(f"UTM easting {self.easting_m} m is not in [100000, 1000000]")
        if not isfinite(self.northing_m) or not 0 <= self.northing_m <= 10_000_000:
            raise ValueError(f"UTM northing {self.northing_m} m is not in [0, 10000000]")


def distance_m(a: LatLon, b: LatLon) -> float:
    """Return the great-circle distance of two positions in metres: haversine on the mean sphere, within 0.6 % of the
    ellipsoid.
    """
    return float(distances_m(a, np.array([b.latitude]), np.array([b.longitude]))[0])


def distances_m(origin: LatLon, latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return great-circle distances in metres from one position to n others, ``(n,)`` degrees each."""
    from_origin = pairwise_m(np.array([origin.latitude]), np.array([origin.longitude]), latitudes, longitudes)
    return np.asarray(from_origin[0])


def pairwise_m(
    latitudes: NDArray[np.float64],
    longitudes: NDArray[np.float64],
    other_latitudes: NDArray[np.float64],
    other_longitudes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return great-circle distances in metres from n positions to m others.

    Args:
        latitudes: ``(n,)`` degrees.
        longitudes: ``(n,)`` degrees.
        other_latitudes: ``(m,)`` degrees.
        other_longitudes: ``(m,)`` degrees.

    Returns:
        ``(n, m)``.
    """
    latitudes, longitudes = np.radians(latitudes)[:, None], np.radians(longitudes)[:, None]
    other_latitudes, other_longitudes = np.radians(other_latitudes), np.radians(other_longitudes)
    half_chord = (
        np.sin((other_latitudes - latitudes) / 2) ** 2
        + np.cos(other_latitudes) * np.cos(latitudes) * np.sin((other_longitudes - longitudes) / 2) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half_chord, 0, 1))), dtype=np.float64)


def turns_deg(
    headings_deg: NDArray[np.float64], other_headings_deg: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Return the angles between directions, in [0, 180]; NaN if one is NaN."""
    return np.asarray(np.abs((headings_deg - other_headings_deg + 180) % 360 - 180))


def utm_zone(position: LatLon) -> int:
    """Return the UTM zone of a position, with the exceptions of Norway (32V) and Svalbard (31X to 37X)."""
    latitude, longitude = position.latitude, position.longitude
    if 56 <= latitude < 64 and 3 <= longitude < 12:
        return 32
    if 72 <= latitude <= 84 and 0 <= longitude < 42:
        return 31 + 2 * int((longitude + 3) // 12)
    return int((longitude + 180) // 6) % 60 + 1


def to_utm(position: LatLon, zone: int | None = None) -> Utm:
    """Convert WGS84 to UTM, in the position's own zone or in a given one (for distances across a zone's edge)."""
    zone = utm_zone(position) if zone is None else zone
    tan_latitude = tan(radians(position.latitude))
    from_meridian = radians((position.longitude - _central_meridian_deg(zone) + 180) % 360 - 180)
    tau = _conformal_tan(tan_latitude)
    xi_sphere = atan2(tau, cos(from_meridian))
    eta_sphere = atanh(sin(from_meridian) / hypot(1.0, tau))
    xi, eta = xi_sphere, eta_sphere
    for order, alpha in enumerate(_ALPHA, start=1):
        xi += alpha * sin(2 * order * xi_sphere) * cosh(2 * order * eta_sphere)
        eta += alpha * cos(2 * order * xi_sphere) * sinh(2 * order * eta_sphere)
    is_north = position.latitude >= 0
    northing_m = _SCALE * _RECTIFYING_RADIUS_M * xi + (0 if is_north else _FALSE_NORTHING_M)
    return Utm(_SCALE * _RECTIFYING_RADIUS_M * eta + _FALSE_EASTING_M, northing_m, zone, is_north)


def from_utm(utm: Utm) -> LatLon:
    """Convert UTM to WGS84."""
    xi_projected = (utm.northing_m - (0 if utm.is_north else _FALSE_NORTHING_M)) / (_SCALE * _RECTIFYING_RADIUS_M)
    eta_projected = (utm.easting_m - _FALSE_EASTING_M) / (_SCALE * _RECTIFYING_RADIUS_M)
    xi, eta = xi_projected, eta_projected
    for order, beta in enumerate(_BETA, start=1):
        xi -= beta * sin(2 * order * xi_projected) * cosh(2 * order * eta_projected)
        eta -= beta * cos(2 * order * xi_projected) * sinh(2 * order * eta_projected)
    tau_conformal = sin(xi) / hypot(sinh(eta), cos(xi))
    tan_latitude = tau_conformal
    for _ in range(8):  # Newton on Karney's Eq. 19 to 21; three steps are enough for double precision
        tau_now = _conformal_tan(tan_latitude)
        step = (
            (tau_conformal - tau_now)
            / hypot(1.0, tau_now)
            * (1 + (1 - _ECCENTRICITY**2) * tan_latitude**2)
            / ((1 - _ECCENTRICITY**2) * hypot(1.0, tan_latitude))
        )
        tan_latitude += step
        if abs(step) < 1e-15 * max(1.0, abs(tan_latitude)):
            break
    longitude = _central_meridian_deg(utm.zone) + degrees(atan2(sinh(eta), cos(xi)))
    return LatLon(degrees(atan2(tan_latitude, 1.0)), (longitude + 180) % 360 - 180)


def _central_meridian_deg(zone: int) -> float:
    return 6.0 * zone - 183.0


def _conformal_tan(tan_latitude: float) -> float:
    """Return the tangent of the conformal latitude (Karney 2011, Eq. 7 to 9)."""
    sigma = sinh(_ECCENTRICITY * atanh(_ECCENTRICITY * tan_latitude / hypot(1.0, tan_latitude)))
    return tan_latitude * hypot(1.0, sigma) - sigma * hypot(1.0, tan_latitude)


def points_in_space(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(n, 3)`` metres from the centre of the mean sphere, for ``(n,)`` degrees each."""
    latitudes, longitudes = np.radians(latitudes), np.radians(longitudes)
    parallels = np.cos(latitudes)
    return EARTH_RADIUS_M * np.stack(
        (parallels * np.cos(longitudes), parallels * np.sin(longitudes), np.sin(latitudes)), axis=1
    )


def arc_m(chord_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances along the ground for distances in space."""
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.clip(chord_m / (2 * EARTH_RADIUS_M), 0, 1)))


def chord_m(arc_m: float) -> float:
    """Return the distance in space for a distance along the ground; the inverse of ``arc_m``."""
    return float(2 * EARTH_RADIUS_M * np.sin(arc_m / (2 * EARTH_RADIUS_M)))
