"""A map of places that were seen twice, and its localizer."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import torch

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.geo import LatLon
from model.places import Place
from model.selavpr.initialisation import seeded_network
from model.weights import load_network, save_network
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from service.localizer import Localizer
from tests.conftest import write_photo
from tests.model.training.small_run import NETWORK

PLACES = 60
DEGREES_PER_M = 1 / 111_195
LOOKS_APART_M = 8
PLACES_APART_M = 300
SIZES = ((160, 120), (150, 124))  # a second look at a place is nearly the same picture
BEGAN = datetime(2026, 5, 1, 9, 0)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = seeded_network(NETWORK, seed=1)
    network.is_trained = True
    path = tmp_path_factory.mktemp("weights") / "network.safetensors"
    save_network(network, path)
    return path


@pytest.fixture(scope="session")
def trained_encoder(weights: Path) -> Encoder:
    return Encoder(load_network(weights))


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> SourceListing:
    """Return a collection with two looks at each place, minutes apart."""
    folder = tmp_path_factory.mktemp("collection")
    places: list[Place] = []
    for number in range(PLACES):
        for look, size in enumerate(SIZES):
            north_m = number * PLACES_APART_M + look * LOOKS_APART_M
            name = f"{number:03d}-{look}.jpg"
            position = LatLon(50 + north_m * DEGREES_PER_M, 13.0)
            path = write_photo(folder / name, seed=number, size=size, position=position)
            places.append(Place(name, path, position, time=BEGAN + timedelta(minutes=10 * len(places))))
    return SourceListing(tuple(places), (), "exif folder", folder)


@pytest.fixture(scope="session")
def built(
    collection: SourceListing, trained_encoder: Encoder, weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the map, not calibrated; do not change it."""
    path = tmp_path_factory.mktemp("maps") / "twice"
    build_map(collection, trained_encoder, path, BuildOptions(thumbnails=False), weights_path=weights)
    return path


@pytest.fixture(scope="session")
def localizer(built: Path, trained_encoder: Encoder) -> Iterator[Localizer]:
    with PlaceMap.open(built) as place_map:
        yield Localizer(trained_encoder, place_map, open_searcher(place_map, torch.device("cpu")))
