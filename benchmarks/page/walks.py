"""A map of walks through an invented town: many pictures with positions, headings and times."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.load.minimal_map import MINIMAL
from benchmarks.synthetic_map import write_map_of
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.geo import LatLon
from model.places import Place
from model.selavpr.initialisation import seeded_network
from model.weights import load_network, save_network
from place_map.place_file import PlaceRecord
from place_map.reader import PlaceMap

STEP_M, STEP_S = 5.0, 4.0
PICTURES_OF_A_WALK = 400
EXTENT_M = 3000.0  # standard deviation of the distance from the middle of the town to the start of a walk

_MIDDLE = LatLon(55.7058, 13.1932)
_METRES_PER_DEGREE = 111_195.0
_BEGIN = datetime(2026, 5, 1, 9, tzinfo=UTC)
_INPUT_SIZE = (28, 28)  # so that a picture has few local features


def walk_records(places: int, seed: int = 0) -> Iterator[PlaceRecord]:
    """Yield the pictures of walks that turn at right angles, like streets.

    Args:
        places: The number of pictures.
        seed: The seed of the walks.
    """
    generator = np.random.default_rng(seed)
    for begin in range(0, places, PICTURES_OF_A_WALK):
        count = min(PICTURES_OF_A_WALK, places - begin)
        turns = generator.choice([0, 90, -90], size=count, p=[0.96, 0.02, 0.02])
        headings = (generator.choice([0, 90, 180, 270]) + np.cumsum(turns)) % 360
        steps = STEP_M * np.stack((np.cos(np.radians(headings)), np.sin(np.radians(headings))))
        norths, easts = np.cumsum(steps, axis=1) + generator.normal(0, EXTENT_M, (2, 1))
        started = _BEGIN + timedelta(hours=begin / PICTURES_OF_A_WALK)
        for number in range(count):
            row = begin + number
            position = LatLon(
                _MIDDLE.latitude + norths[number] / _METRES_PER_DEGREE,
                _MIDDLE.longitude + easts[number] / (_METRES_PER_DEGREE * np.cos(np.radians(_MIDDLE.latitude))),
            )
            time = started + timedelta(seconds=STEP_S * number)
            yield PlaceRecord(f"{row}.jpg", position, float(headings[number]), time, f"{row}.jpg", "0" * 64)


def write_walks(folder: Path, places: int, seed: int = 0) -> Path:
    """Write a map of walks that can be served, with its weights and without thumbnails.

    Args:
        folder: The folder of weights and map.
        places: The number of pictures.
        seed: The seed of the walks.

    Returns:
        The map.
    """
    weights = folder / "minimal.safetensors"
    save_network(seeded_network(MINIMAL, seed=1), weights)
    loaded = load_network(weights)
    encoder = Encoder(loaded, preparation=loaded.preparation(size=_INPUT_SIZE))
    photo = folder / "photo.jpg"
    Image.new("RGB", (64, 64)).save(photo)
    listing = SourceListing((Place("photo.jpg", photo, _MIDDLE),), (), "csv", folder)
    build_map(listing, encoder, folder / "one", BuildOptions(), weights_path=weights)
    with PlaceMap.open(folder / "one") as one:
        manifest = one.manifest
    preprocessing = manifest.preparation.preprocessing
    records = walk_records(places, seed)
    return write_map_of(folder / "walks", records, manifest.network, manifest.features, preprocessing)
