"""SuperPoint and SuperGlue: against numbers of a reference implementation, and their files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import InvalidInput
from model.keypoints.superglue import SuperGlue, SuperGlueConfig, log_transport
from model.keypoints.superpoint import Keypoints, SuperPoint, thin_out
from model.weights import load_network, load_superglue, save_network
from model.weights_errors import WeightsError
from tests.golden.peers.formula import make_tensor
from tests.golden.peers.keypoints import keypoint_differences, make_superglue
from tests.golden.peers.recordings import read_recording
from tests.golden.peers.select_recordings import KEYPOINTS
from tests.model.descriptors.small_networks import small_network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> SuperGlue:
    return make_superglue(read_recording(KEYPOINTS), tmp_path_factory.mktemp("superglue"))


def test_keypoints_and_matches_are_those_of_the_reference(network: SuperGlue) -> None:
    found = list(keypoint_differences(read_recording(KEYPOINTS), network, ((240, 320),)))
    assert {each.output for each in found} == {"places", "scores", "descriptors", "matches", "match scores"}
    assert [each for each in found if each.largest > each.tolerance] == []


@pytest.mark.faults
def test_all_recorded_numbers_are_those_of_the_reference(network: SuperGlue, shared_dir: Path) -> None:
    folder = shared_dir / "golden" / "peers"
    if not folder.is_dir():
        pytest.skip(f"needs the whole recordings, and {folder} is not there")
    recording = read_recording(KEYPOINTS, folder)
    found = list(keypoint_differences(recording, network, recording.sizes))
    assert [each for each in found if each.largest > each.tolerance] == []


def small_state() -> dict[str, torch.Tensor]:
    """Return the published tensors of a network with one layer."""
    tensors = [each for each in read_recording(KEYPOINTS).tensors if not each[0].startswith("gnn.layers.")]
    tensors += [each for each in read_recording(KEYPOINTS).tensors if each[0].startswith("gnn.layers.0.")]
    return {name: torch.from_numpy(make_tensor(name, shape, init)) for name, shape, init in tensors}


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("gnn.layers.0.attention.self.key.bias", None, r"missing: gnn\.layers\.0\.attention\.self\.key\.bias"),
        ("gnn.layers.0.gate.bias", torch.zeros(3), r"1 tensor too many: gnn\.layers\.0\.gate\.bias"),
        ("bin_score", torch.zeros(1), r"bin_score is \(1,\), expected \(\)"),
        ("bin_score", torch.tensor(torch.nan), "NaN or infinity in 1 tensor: bin_score"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(
    name: str, tensor: torch.Tensor | None, message: str, tmp_path: Path
) -> None:
    state = small_state()
    torch.save(state, tmp_path / "superglue.pth")
    assert load_superglue(tmp_path / "superglue.pth").config == SuperGlueConfig(layers=1)
    changed = {each: value for each, value in state.items() if each != name}
    torch.save(changed if tensor is None else changed | {name: tensor}, tmp_path / "changed.pth")
    with pytest.raises(WeightsError, match=message):
        load_superglue(tmp_path / "changed.pth")


def test_it_is_not_a_network_that_finds_pictures(tmp_path: Path) -> None:
    torch.save(small_state(), tmp_path / "superglue.pth")
    with pytest.raises(WeightsError, match="has no features to find pictures by"):
        load_network(tmp_path / "superglue.pth")
    save_network(small_network("gem"), tmp_path / "gem.safetensors")
    with pytest.raises(WeightsError, match="this needs SuperPoint and SuperGlue"):
        load_superglue(tmp_path / "gem.safetensors")


def test_a_picture_without_keypoints_has_no_matches(network: SuperGlue) -> None:
    none = Keypoints(torch.zeros(0, 2), torch.zeros(0), torch.zeros(0, 256), (64, 64))
    some = replace(none, places=torch.ones(3, 2), scores=torch.ones(3), descriptors=torch.ones(3, 256))
    assert len(network(none, some)) == len(network(some, none)) == 0


def test_pictures_are_grey_and_cut_into_squares_of_8() -> None:
    for shape in ((3, 64, 64), (64, 60), (0, 64)):
        with pytest.raises(InvalidInput, match=r"a grey picture must be \(H, W\) with multiples of 8"):
            SuperPoint()(torch.zeros(shape), 10)


def test_no_keypoint_lies_at_a_border() -> None:
    network = SuperPoint().eval()
    with torch.inference_mode():
        found = network(torch.rand(64, 96, generator=torch.Generator().manual_seed(1)), 10_000)
    assert len(found) > 10
    assert found.places.amin() >= 4
    assert (found.places.amax(dim=0) < torch.tensor((92, 60))).all()
    assert (found.scores[:-1] >= found.scores[1:]).all()


def test_neighbours_are_thinned_out_and_hidden_ones_come_back() -> None:
    scores = torch.zeros(1, 1, 9, 20)
    scores[0, 0, 4, [2, 5, 8, 15]] = torch.tensor((3.0, 2.0, 1.0, 0.5))
    kept = thin_out(scores)[0, 0, 4]
    # The second one is near the first; it hides the third one, which comes back without it.
    assert kept.nonzero()[:, 0].tolist() == [2, 8, 15]


def test_the_transport_gives_every_keypoint_one_part() -> None:
    similarities = torch.randn(5, 7, generator=torch.Generator().manual_seed(2))
    shares = log_transport(similarities, torch.tensor(0.5), rounds=200).exp()
    np.testing.assert_allclose(shares.sum(dim=1)[:-1], 1, atol=1e-4)
    np.testing.assert_allclose(shares.sum(dim=0)[:-1], 1, atol=1e-4)
