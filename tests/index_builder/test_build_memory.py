"""The memory of a build does not grow with the number of pictures."""

import resource
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from benchmarks.building.memory import peak_of_build
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.geo import LatLon
from model.places import Place
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from tests.child_processes import child_context
from tests.conftest import TINY_CONFIG
from tests.index_builder.map_factory import photo_listing
from tests.model.training.small_run import NETWORK


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    """256 pictures more are 154 MB of pixels and 7 MB of features; the peak must not show a third of that."""
    photo_listing(tmp_path / "photos", 8)
    peaks_bytes = []
    for count in (64, 320):
        context = child_context()
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_build, args=(theirs, tmp_path / "photos", tmp_path / f"map{count}", count))
        process.start()
        theirs.close()
        peaks_bytes.append(ours.recv())
        process.join()
    assert peaks_bytes[1] - peaks_bytes[0] < 50_000_000


def _build(peak_bytes: Connection, photos: Path, out: Path, count: int) -> None:
    """Send the peak of the memory of this process."""
    places = tuple(Place(f"{number}", photos / f"{number % 8:02d}.jpg", LatLon(1, 2)) for number in range(count))
    listing = SourceListing(places, (), "exif folder", photos)
    encoder = Encoder(seeded_network(TINY_CONFIG))
    build_map(listing, encoder, out, BuildOptions(batch_size=8, segment_size=32))
    peak_bytes.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


@pytest.mark.faults
def test_four_times_the_pictures_need_no_more_memory(tmp_path: Path) -> None:
    """Local features of 240 kB a picture: 1,800 pictures more would be 430 MB, if they stayed.

    Both have several segments: the first that is finished brings the library of the tables into memory.
    """
    network = seeded_network(replace(NETWORK, local_features="dense", local_dim=32))
    weights = tmp_path / "weights.safetensors"
    save_network(network, weights)
    photos = photo_listing(tmp_path / "photos", 8).places
    many = [replace(photos[number % 8], id=f"{number}") for number in range(2400)]
    few_bytes, many_bytes = (peak_of_build(weights, many[:count], tmp_path) for count in (600, 2400))
    assert many_bytes < few_bytes + 40e6
