"""The memory of a build does not grow with the number of pictures."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.building.memory import peak_of_build
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from tests.index_builder.map_factory import photo_listing
from tests.model.training.small_run import NETWORK

REPOSITORY = Path(__file__).parents[2]


MEMORY = """
import resource, sys
from pathlib import Path
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.geo import LatLon
from model.selavpr.initialisation import seeded_network
from model.places import Place
from tests.conftest import TINY_CONFIG

photos, out, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
places = tuple(Place(str(n), photos / f"{n % 8:02d}.jpg", LatLon(1, 2)) for n in range(count))
build_map(SourceListing(places, (), "exif folder", photos), Encoder(seeded_network(TINY_CONFIG)), out,
          BuildOptions(batch_size=8, segment_size=32))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    """384 pictures more are 231 MB of pixels and 10 MB of features; the peak must not show a fifth of that."""
    photo_listing(tmp_path / "photos", 8)
    peaks = []
    for count in (64, 448):
        finished = subprocess.run(
            [sys.executable, "-c", MEMORY, tmp_path / "photos", tmp_path / f"map{count}", str(count)],
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
            text=True,
        )
        peaks.append(int(finished.stdout))
    assert peaks[1] - peaks[0] < 50_000_000


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
