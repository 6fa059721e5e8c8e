"""Every network with only a global feature, against numbers of its reference implementation."""

from pathlib import Path

import pytest

from tests.golden.peers.networks import differences, make_network
from tests.golden.peers.recordings import Recording, read_recording
from tests.golden.peers.select_recordings import METHODS

LIGHT = tuple(method for method in METHODS if "megaloc" not in method and "pca" not in method)


@pytest.mark.parametrize("method", LIGHT)
def test_descriptors_of_small_pictures_are_those_of_the_reference(method: str) -> None:
    recording = read_recording(method)
    smallest = min(recording.sizes, key=lambda size: size[0] * size[1])
    found = list(differences(recording, make_network(recording), (smallest,)))
    assert "desc" in [each.output for each in found]
    assert [each for each in found if each.largest > each.tolerance] == []


@pytest.mark.faults
@pytest.mark.parametrize("method", METHODS)
def test_descriptors_of_every_recorded_size_are_those_of_the_reference(method: str) -> None:
    check_all_sizes(read_recording(method))


@pytest.mark.faults
@pytest.mark.parametrize("method", METHODS)
def test_all_recorded_numbers_are_those_of_the_reference(method: str, shared_dir: Path) -> None:
    folder = shared_dir / "golden" / "peers"
    if not folder.is_dir():
        pytest.skip(f"needs the whole recordings, and {folder} is not there")
    check_all_sizes(read_recording(method, folder))


def check_all_sizes(recording: Recording) -> None:
    found = list(differences(recording, make_network(recording), recording.sizes))
    assert len([each for each in found if each.output == "desc"]) == len(recording.sizes)
    assert [each for each in found if each.largest > each.tolerance] == []
