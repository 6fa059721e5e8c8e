"""Cars and people: there on one visit, gone on the next."""

from math import hypot
from random import Random

from demo.rendering.houses import Colour
from demo.rendering.instances import Surface, Things
from demo.rendering.plan import Street
from demo.rendering.shots import Camera, Shot

CLEAR_M = 3.0  # nothing that moves is nearer to the camera
_REACH_M = 75.0
_PAINTS: tuple[Colour, ...] = (
    (0.55, 0.55, 0.56), (0.03, 0.03, 0.035), (0.25, 0.26, 0.28), (0.35, 0.02, 0.02), (0.03, 0.07, 0.25),
    (0.6, 0.58, 0.5), (0.04, 0.14, 0.08), (0.55, 0.3, 0.03), (0.1, 0.25, 0.35),
)  # fmt: skip
_CLOTHES: tuple[Colour, ...] = (
    (0.03, 0.03, 0.05), (0.3, 0.04, 0.04), (0.05, 0.09, 0.25), (0.45, 0.4, 0.33), (0.08, 0.15, 0.08),
    (0.4, 0.25, 0.04), (0.5, 0.5, 0.5), (0.15, 0.08, 0.15),
)  # fmt: skip
_SKIN: tuple[Colour, ...] = ((0.5, 0.3, 0.2), (0.3, 0.16, 0.09), (0.12, 0.06, 0.04))
_TYRE = (0.015, 0.015, 0.015)
_SHADE = (0.012, 0.012, 0.014)


def traffic(shot: Shot, street: Street) -> Things:
    """Return everything that moves on a visit."""
    rng = Random(f"visit {shot.street} {shot.visit}")
    things = Things()
    taken: list[float] = []
    for _ in range(shot.cars):
        along_m = shot.camera.along_m + rng.uniform(-_REACH_M, _REACH_M)
        side, is_parked = rng.choice((-1, 1)), rng.random() < 0.6
        aside_m = side * (street.carriageway_m - 1.05 if is_parked else street.carriageway_m * 0.36)
        slot = along_m + 1000 * side + 5000 * is_parked
        is_van = rng.random() < 0.18
        paint, lift = rng.choice(_PAINTS), rng.uniform(0.9, 1.1)
        if any(abs(slot - other) < 6.5 for other in taken):
            continue
        if is_clear(shot.camera, along_m, aside_m, (2.7 if is_van else 2.2) + 0.2, 1.1):
            taken.append(slot)
            _add_car(things, street, along_m, aside_m, side, paint, lift, is_van)
    for _ in range(shot.people):
        along_m = shot.camera.along_m + rng.uniform(-45, 45)
        aside_m = rng.choice((-1, 1)) * rng.uniform(street.carriageway_m + 0.5, street.facade_m - 0.5)
        if rng.random() < 0.12:
            aside_m = rng.uniform(-street.carriageway_m, street.carriageway_m)
        looks = (rng.choice(_CLOTHES), rng.choice(_CLOTHES), rng.choice(_SKIN), rng.uniform(1.5, 1.9))
        if is_clear(shot.camera, along_m, aside_m, 0.4, 0.4):
            _add_person(things, street, along_m, aside_m, looks)
    return things


def is_clear(camera: Camera, along_m: float, aside_m: float, half_long_m: float, half_wide_m: float) -> bool:
    """Tell whether a thing of this middle and half size, along and aside, is far enough from the camera."""
    off_m = hypot(
        max(abs(along_m - camera.along_m) - half_long_m, 0), max(abs(aside_m - camera.aside_m) - half_wide_m, 0)
    )
    return off_m >= CLEAR_M


def _add_car(
    things: Things, street: Street, along_m: float, aside_m: float, side: int, paint: Colour, lift: float, is_van: bool
) -> None:
    base = street.local(along_m, aside_m)
    yaw_deg = street.turn_deg(along_m) + (0 if side > 0 else 180)  # traffic keeps to the right
    half_m = 2.6 if is_van else 2.1
    things.add_relative_box(base, yaw_deg, (0, 0, 0.012), (half_m + 0.1, 0.95, 0.01), _SHADE, Surface.SHADE)
    for along in (-0.62 * half_m, 0.62 * half_m):
        things.add_relative_box(base, yaw_deg, (along, 0, 0.32), (0.32, 0.86, 0.32), _TYRE)
    if is_van:
        things.add_relative_box(base, yaw_deg, (-0.4, 0, 1.3), (half_m - 0.4, 0.92, 0.95), paint, Surface.CAR_BACK)
        things.add_relative_box(base, yaw_deg, (1.9, 0, 1.5), (0.5, 0.88, 0.5), paint, Surface.CAR_CABIN)
        things.add_relative_box(base, yaw_deg, (0, 0, 0.65), (half_m, 0.92, 0.35), paint, Surface.CAR_BODY)
        return
    things.add_relative_box(base, yaw_deg, (0, 0, 0.6 * lift), (half_m, 0.88, 0.33), paint, Surface.CAR_BODY)
    cabin = (-0.25, 0.0, 1.18 * lift)
    things.add_relative_box(base, yaw_deg, cabin, (1.15 * lift, 0.76, 0.28), paint, Surface.CAR_CABIN)


def _add_person(
    things: Things, street: Street, along_m: float, aside_m: float, looks: tuple[Colour, Colour, Colour, float]
) -> None:
    coat, trousers, skin, tall_m = looks
    base, yaw_deg = street.local(along_m, aside_m), street.turn_deg(along_m)
    for step in (-1, 1):
        offset = (step * 0.12, step * 0.1, tall_m * 0.24)
        things.add_relative_box(base, yaw_deg, offset, (0.08, 0.08, tall_m * 0.24), trousers)
    things.add_blob((*base, tall_m * 0.64), (0.26, tall_m * 0.22), coat, 0.0, 0.0)
    things.add_blob((*base, tall_m * 0.93), (0.11, tall_m * 0.075), skin, 0.0, 0.0)
