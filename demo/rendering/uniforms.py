"""The uniform block of the shaders: the camera, the street, and the light of one picture."""

from math import cos, radians, sin, tan

import numpy as np

from demo.rendering.furniture import LAMP_HEIGHT_M
from demo.rendering.instances import Floats
from demo.rendering.light import light_of, sun_direction
from demo.rendering.scenery import Scenery
from demo.rendering.shots import Shot

NEAR_M, FAR_M = 0.25, 450.0


def camera_axes(shot: Shot, scene: Scenery) -> tuple[Floats, Floats, Floats, Floats]:
    """Return position and the unit vectors forward, right and up, in the street's frame."""
    camera = shot.camera
    x_m, y_m = scene.street.local(camera.along_m, camera.aside_m)
    turn, tilt = radians(scene.street.turn_deg(camera.along_m) + camera.turn_deg), radians(camera.tilt_deg)
    eye = np.array([x_m, y_m, camera.height_m], dtype=np.float32)
    forward = np.array([sin(turn) * cos(tilt), cos(turn) * cos(tilt), sin(tilt)], dtype=np.float32)
    right = np.array([cos(turn), -sin(turn), 0], dtype=np.float32)
    return eye, forward, right, np.cross(right, forward)


def scene_block(shot: Shot, scene: Scenery, aspect: float) -> bytes:
    """Pack the values that ``common.glsl`` declares as ``Scene``, in std140.

    Args:
        shot: The picture.
        scene: Its street.
        aspect: Width over height.
    """
    light, street = light_of(shot), scene.street
    eye, forward, right, up = camera_axes(shot, scene)
    tan_x = tan(radians(shot.camera.fov_deg) / 2)
    tan_y = tan_x / aspect
    east, north, height = sun_direction(shot.hour)
    bearing = radians(street.bearing_deg)
    sun_way = (east * cos(bearing) - north * sin(bearing), east * sin(bearing) + north * cos(bearing), height)
    crossings = [value for crossing in scene.crossings for value in crossing]
    rows = [
        (*eye, light.haze),
        (*forward, light.exposure),
        (*right, tan_x),
        (*up, tan_y),
        (*sun_way, light.lit_share),
        (*light.sun, light.night),
        (*light.sky, light.wet),
        (*light.horizon, light.snow),
        (*light.bounce, light.clouds),
        (street.radius_m, street.carriageway_m, street.facade_m, light.warmth),
        (street.lamp_pitch_m, street.lamp_phase_m, LAMP_HEIGHT_M, street.carriageway_m - 0.5),
        (light.rain, light.snowfall, light.grain, shot.visit % 4096),
        (*crossings, *(-1e4, 0.0)[: 4 - len(crossings)])[:4],
    ]
    matrix = _projection(tan_x, tan_y) @ _view(eye, forward, right, up)
    return matrix.T.astype(np.float32).tobytes() + np.array(rows, dtype=np.float32).tobytes()


def _view(eye: Floats, forward: Floats, right: Floats, up: Floats) -> Floats:
    matrix = np.eye(4, dtype=np.float32)
    for row, axis in enumerate((right, up, -forward)):
        matrix[row, :3] = axis
        matrix[row, 3] = -float(axis @ eye)
    return matrix


def _projection(tan_x: float, tan_y: float) -> Floats:
    matrix = np.zeros((4, 4), dtype=np.float32)
    matrix[0, 0], matrix[1, 1] = 1 / tan_x, 1 / tan_y
    matrix[2, 2], matrix[2, 3] = (NEAR_M + FAR_M) / (NEAR_M - FAR_M), 2 * NEAR_M * FAR_M / (NEAR_M - FAR_M)
    matrix[3, 2] = -1
    return matrix
