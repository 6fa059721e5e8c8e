"""SuperPoint and SuperGlue: against numbers of a reference implementation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import InvalidInput
from model.families import family_named
from model.keypoints.network import KeypointConfig, KeypointNetwork, KeypointParts, KeypointSizes
from model.keypoints.superglue import log_transport
from model.keypoints.superpoint import Keypoints, SuperPoint, as_keypoints, thin_out
from model.rerankers.reranker import LocalFeatures
from model.rerankers.superglue import SuperGlueReranker
from place_map.local_codec import LocalCodec
from tests.golden.peers.formula import make_pairs
from tests.golden.peers.keypoints import keypoint_differences, make_superglue
from tests.golden.peers.recordings import read_recording
from tests.golden.peers.select_recordings import KEYPOINTS
from tests.model.descriptors.small_networks import small_network


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> KeypointParts:
    return make_superglue(read_recording(KEYPOINTS), tmp_path_factory.mktemp("superglue"))


def test_keypoints_and_matches_are_those_of_the_reference(parts: KeypointParts) -> None:
    found = list(keypoint_differences(read_recording(KEYPOINTS), parts, ((240, 320),)))
    assert {each.output for each in found} == {"places", "scores", "descriptors", "matches", "match scores"}
    assert [each for each in found if each.largest > each.tolerance] == []


@pytest.mark.faults
def test_all_recorded_numbers_are_those_of_the_reference(parts: KeypointParts, shared_dir: Path) -> None:
    folder = shared_dir / "golden" / "peers"
    if not folder.is_dir():
        pytest.skip(f"needs the whole recordings, and {folder} is not there")
    recording = read_recording(KEYPOINTS, folder)
    found = list(keypoint_differences(recording, parts, recording.sizes))
    assert [each for each in found if each.largest > each.tolerance] == []


def test_candidates_are_scored_as_by_the_reference(parts: KeypointParts) -> None:
    """By the re-ranker, with keypoints as a map stores them; a score is the number of matches above 0.2."""
    recording = read_recording(KEYPOINTS)
    pictures = torch.from_numpy(make_pairs(recording.seed, 240, 320, channels=1, gain=0.12, offset=0.5))[:, 0]
    with torch.inference_mode():
        found = [parts.detector.find(each, 256) for each in pictures]
    local, beside = (torch.stack(each) for each in zip(*found, strict=True))
    codec = LocalCodec("float32", 256, 3)
    stored = codec.encode(local, beside).numpy()
    extras = torch.from_numpy(codec.extras_of(stored))
    reranker = SuperGlueReranker("", parts.matcher, (240, 320))
    query, candidates = LocalFeatures(local[0], extras[0]), LocalFeatures(local[1:], extras[1:])
    scores = reranker.scores(reranker.compare(query, candidates).numpy())
    sure = [recording.arrays[f"matching_scores_Qvs{name}_240x320"] > 0.2 for name in "ABCD"]
    assert scores.tolist() == RECORDED_COUNTS
    assert all(each.sum() > 0 for each in sure)
    assert reranker.pairs(query, LocalFeatures(local[1], extras[1])) is None


RECORDED_COUNTS = [21, 9, 6, 35]
"""``outputs.matches_QvsA_240x320.threshold_0_2`` of the recording, and of B, C and D."""


def test_a_network_with_keypoints_has_those_of_superpoint_and_the_features_of_its_finder() -> None:
    network = small_network("superglue")
    assert isinstance(network, KeypointNetwork)
    images = torch.randn(2, 3, 42, 56, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        features, alone = network(images), network.finder(images)
        pictures = (
            images.permute(0, 2, 3, 1) * torch.tensor(network.needs.std) + torch.tensor(network.needs.mean)
        ).clamp(0, 1)
        grey = (pictures @ torch.tensor((0.299, 0.587, 0.114)))[:, :40]
        found = network.parts.detector(grey[1].contiguous(), 24)
    assert torch.equal(features.global_features, alone.global_features)
    assert (features.local_features.shape, features.local_grid) == ((2, 24, 256), (24, 1))
    assert features.local_extras is not None
    again = as_keypoints(features.local_features[1], features.local_extras[1], (40, 56))
    assert 5 < len(found) == len(again)
    torch.testing.assert_close(again.places, found.places)
    torch.testing.assert_close(again.descriptors, found.descriptors, atol=1e-5, rtol=0)
    assert network.weights_licence == "non-commercial research only"


def test_rows_without_a_keypoint_are_zero() -> None:
    network = SuperPoint().eval()
    with torch.inference_mode():
        local, beside = network.find(torch.full((16, 16), 0.5), 400)
    assert (local.shape, beside.shape) == ((400, 256), (400, 3))
    count = len(as_keypoints(local, beside, (16, 16)))
    assert 0 < count < 64
    assert not local[count:].any()
    assert not beside[count:].any()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layers": 1}, "finder = None does not name the family"),
        ({"finder": {"family": "superglue", "finder": {"family": "cosplace"}}}, "finds pictures by another family"),
        ({"finder": {"family": "resnet"}}, "'resnet' is not a family"),
        ({"finder": {"family": "cosplace", "width": 3}}, "width"),
        ({"finder": {"family": "cosplace"}, "keypoints": 0}, "keypoints = 0 is not a positive whole number"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(values: dict[str, object], message: str) -> None:
    with torch.device("meta"), pytest.raises(InvalidInput, match=message):
        family_named("superglue").make(values, is_trained=True)


def test_plain_values_make_the_same_configuration_again() -> None:
    config = KeypointConfig("gem", {"stages": 3}, KeypointSizes(layers=3))
    assert config.to_dict() == {"finder": {"family": "gem", "stages": 3}, "layers": 3, "keypoints": 1024}
    assert KeypointConfig.from_dict(config.to_dict()) == config


def test_a_picture_without_keypoints_has_no_matches(parts: KeypointParts) -> None:
    none = Keypoints(torch.zeros(0, 2), torch.zeros(0), torch.zeros(0, 256), (64, 64))
    some = replace(none, places=torch.ones(3, 2), scores=torch.ones(3), descriptors=torch.ones(3, 256))
    assert len(parts.matcher(none, some)) == len(parts.matcher(some, none)) == 0


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
