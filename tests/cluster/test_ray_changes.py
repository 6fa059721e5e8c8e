"""Additions and updates by workers on Ray give the bytes of those in one process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from tests.conftest import TINY_CONFIG, write_photo
from tests.faults.map_state import MapState, check_good_and_alone

ENGINES = {"local": (), "ray": ("--engine", "ray", "--workers", "2")}


def write_collection(folder: Path, numbers: range, first_seed: int = 0) -> Path:
    lines = ["path,latitude,longitude"]
    for number in numbers:
        write_photo(folder / f"{number:02d}.jpg", seed=first_seed + number)
        lines.append(f"{number:02d}.jpg,{55 + number / 1000},13.2")
    source = folder / "photos.csv"
    source.write_text("\n".join(lines) + "\n")
    return source


def placefix(*words: object) -> None:
    """Run a command, with a cluster of its own if it needs one."""
    variables = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    command = [sys.executable, "-m", "placefix", *map(str, words)]
    ran = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a map of six pictures, and return the folder of all files."""
    folder = tmp_path_factory.mktemp("town")
    save_network(seeded_network(TINY_CONFIG, seed=7), folder / "weights.safetensors")
    source = write_collection(folder / "photos", range(6))
    flags = ("--weights", folder / "weights.safetensors", "--segment-size", "4", "--no-calibrate")
    placefix("build", "--source", source, "--out", folder / "local" / "town", *flags)
    shutil.copytree(folder / "local" / "town", folder / "ray" / "town")
    return folder


def test_the_map_is_that_of_one_process(town: Path) -> None:
    more = write_collection(town / "more", range(6, 12))
    for engine, options in ENGINES.items():
        placefix("add", town / engine / "town", "--source", more, "--segment-size", "3", *options)
    assert MapState.of(town / "ray" / "town") == MapState.of(town / "local" / "town")
    write_collection(town / "more", range(7, 14), first_seed=50)
    for engine, options in ENGINES.items():
        map_path = town / engine / "town"
        placefix("update", map_path, "--source", more, "--segment-size", "3", "--max-removed", "1", *options)
        check_good_and_alone(map_path)
    assert MapState.of(town / "ray" / "town") == MapState.of(town / "local" / "town")
