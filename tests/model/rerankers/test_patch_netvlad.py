"""Patch-NetVLAD's features, scores and orders, against numbers of its reference implementation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.descriptors.patchnetvlad import PatchNetVLAD
from model.encoder import Encoder
from model.errors import InvalidInput
from model.rerankers.patch_netvlad import PatchGrid, PatchRansacReranker, RapidSpatialReranker
from model.rerankers.registry import make_reranker
from model.rerankers.reranker import RerankSettings
from tests.golden.peers.networks import Size, make_network
from tests.golden.peers.patches import grids_of, patch_differences
from tests.golden.peers.recordings import Recording, read_arrays, read_recording
from tests.golden.peers.select_recordings import PATCHES
from tests.model.descriptors.small_networks import small_network, small_size

SPEED, PERFORMANCE = PATCHES
SIDES = {SPEED: (5,), PERFORMANCE: (2, 5, 8)}
SMALLEST = (240, 320)


def check(recording: Recording, sizes: tuple[Size, ...]) -> None:
    network = make_network(recording)
    assert isinstance(network, PatchNetVLAD)
    found = list(patch_differences(recording, network, sizes))
    assert {"descriptor", "order", "inliers on recorded matches"} < {each.output for each in found}
    assert [each for each in found if not each.largest <= each.tolerance] == []


def test_small_pictures_are_described_scored_and_ordered_as_by_the_reference() -> None:
    check(read_recording(SPEED), (SMALLEST,))


@pytest.mark.faults
@pytest.mark.parametrize("method", PATCHES)
def test_all_recorded_pictures_are_described_scored_and_ordered_as_by_the_reference(method: str) -> None:
    recording = read_recording(method)
    check(recording, recording.sizes)


@pytest.mark.parametrize("method", PATCHES)
def test_scores_of_recorded_matches_are_those_of_the_reference(method: str) -> None:
    recorded = read_arrays(method)
    for size in ((480, 640), SMALLEST):
        name = "{}x{}".format(*size)
        for column, grid in enumerate(grids_of(SIDES[method], size)):
            for row, pair in enumerate("ABCD"):
                db, query = recorded[f"mutual_patch{grid.side}_Qvs{pair}_{name}"].astype(np.int64)
                score = RapidSpatialReranker.score_matches(grid, query, db) / (grid.rows * grid.columns)
                expected = -recorded[f"scores_spatialApproximator_{name}"].reshape(4, -1)[row, column]
                assert score == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("version", ["", "opencv4.11_"])
def test_sizes_are_standardised_weighted_and_summed_as_by_the_reference(version: str) -> None:
    recorded = read_arrays(PERFORMANCE)
    reranker = PatchRansacReranker("", "exact", (2, 5, 8), (30, 40))
    for size in ("480x640", "240x320"):
        parts = -recorded[f"{version}scores_RANSAC_{size}"].reshape(4, 3).astype(np.float64)
        values = recorded[f"{version}rerank_value_{size}"].reshape(-1)
        scores = reranker.scores(parts)
        np.testing.assert_allclose(np.log(scores), -values, atol=1e-5)
        assert np.argsort(-scores, kind="stable").tolist() == recorded[f"{version}rerank_order_{size}"].tolist()


@pytest.mark.parametrize("parts", [np.ones((1, 3)), np.full((4, 3), 0.2)])
def test_one_candidate_or_equal_ones_have_equal_scores(parts: NDArray[np.float64]) -> None:
    reranker = PatchRansacReranker("", "exact", (2, 5, 8), (30, 40))
    np.testing.assert_allclose(reranker.scores(parts), 1)


def test_edge_cases_are_those_of_the_reference(shared_dir: Path) -> None:
    path = shared_dir / "golden" / "peers" / "rerank_edges.npz"
    if not path.is_file():
        pytest.skip(f"needs the recorded edge cases, and {path} is not there")
    with np.load(path, allow_pickle=False) as file:
        recorded: dict[str, Any] = dict(file)
    grid = PatchGrid(2, 5, 7)
    cases = [name.removesuffix("_mutual") for name in recorded if name.endswith("_mutual")]
    assert len(cases) == 12
    for case in cases:
        db, query = recorded[f"{case}_mutual"].astype(np.int64)
        spatial = RapidSpatialReranker.score_matches(grid, query, db) / 35
        assert spatial == pytest.approx(-float(recorded[f"{case}_patchnetvlad_spatial"][0]), rel=1e-5), case
        theirs = [-35 * float(recorded[f"{case}_patchnetvlad_ransac_opencv{version}"][0]) for version in (4, 5)]
        assert 0.8 * min(theirs) <= PatchRansacReranker.score_matches(grid, query, db) <= 1.2 * max(theirs), case


def test_patches_lie_in_the_order_of_their_sizes() -> None:
    network = small_network("patchnetvlad", patch_sizes="2,5,8")
    size = (128, 144)
    assert network.local_grid(size) == (7 * 8 + 4 * 5 + 1 * 2, 1)
    with torch.inference_mode():
        features = network(torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(1)))
    assert features.local_features.shape == (1, 78, 16)


def test_other_networks_and_other_re_rankers_are_refused(tiny_encoder: Encoder) -> None:
    with pytest.raises(InvalidInput, match="compares patches of the family patchnetvlad"):
        make_reranker("patch-netvlad-s", tiny_encoder, RerankSettings())
    network = small_network("patchnetvlad")
    own = Encoder(network, preparation=network.preparation(size=small_size("patchnetvlad")))
    assert make_reranker(own.reranker, own, RerankSettings()).name == "patch-netvlad-s"
    with pytest.raises(InvalidInput, match="lie in no grid of cells"):
        make_reranker("ransac", own, RerankSettings())
    with pytest.raises(InvalidInput, match="has no match floor"):
        make_reranker("patch-netvlad-s", own, RerankSettings(floor=0.5))


def test_pictures_that_are_smaller_than_a_patch_are_refused() -> None:
    with pytest.raises(InvalidInput, match="--input-size 64x96: a patch of this network has 80 pixels a side"):
        small_network("patchnetvlad").preparation(size=(64, 96))
