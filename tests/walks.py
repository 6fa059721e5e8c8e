"""Walks in the layout of Gardens Point Walking: frame i of every walk shows place i, and the positions are invented."""

import csv
from pathlib import Path

from model.geo import LatLon

COLUMNS = ("path", "place_id", "condition", "map_x_norm", "map_y_norm", "dummy_lat", "dummy_lon")
DEGREES_PER_FRAME = 8.98e-5  # 10 m


def frame_position(frame: int) -> LatLon:
    """Return the invented position of a frame: 10 m further north than the one before."""
    return LatLon(round(-27.4772 + frame * DEGREES_PER_FRAME, 7), 153.0283)


def write_walk(folder: Path, name: str, frames: int) -> list[Path]:
    """Write the list ``name.csv`` of a walk; return the paths of its pictures in ``name``, to be made."""
    paths = [folder / name / f"Image{frame:03d}.jpg" for frame in range(frames)]
    (folder / name).mkdir(parents=True)
    with (folder / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for frame, path in enumerate(paths):
            position = frame_position(frame)
            place = (path.relative_to(folder).as_posix(), frame, name, 0.25, 0.5)
            writer.writerow((*place, position.latitude, position.longitude))
    return paths
