"""Every network with a global feature alone, against numbers that its reference implementation gave."""

import pytest

from tests.golden.peers.networks import differences, make_network
from tests.golden.peers.recordings import read_recording
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
    recording = read_recording(method)
    found = list(differences(recording, make_network(recording), recording.sizes))
    assert len([each for each in found if each.output == "desc"]) == len(recording.sizes)
    assert [each for each in found if each.largest > each.tolerance] == []
