"""The memory of a build does not grow with the number of pictures."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.building.memory import peak_of_build
from model.network.initialisation import seeded_network
from model.weights import save_network
from tests.index_builder.map_factory import photo_listing
from tests.model.training.small_run import NETWORK


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
