"""Both ways of re-ranking use the same shortlists and matches; the command writes the figures that it prints."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.ablations.measure import measure
from benchmarks.spatial_verification.command import spread
from benchmarks.spatial_verification.homography import HomographyVerifier, RansacSettings
from benchmarks.spatial_verification.measure import Comparison, compare
from model.errors import InvalidInput
from model.images import open_image
from model.matching import find_mutual_matches
from model.preprocess import preprocess
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from tests.benchmarks.town_split import write_split
from tests.model.training.small_run import NETWORK, small_set

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _opencv() -> None:
    pytest.importorskip("cv2")


def compared(folder: Path) -> Comparison:
    places = small_set(folder)
    network = seeded_network(NETWORK, seed=1)
    return compare(network, places.database, places.queries[:3], CPU, RansacSettings(), shortlist=5)


def test_counts_are_those_of_the_ablations(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    found = compared(tmp_path)
    expected = measure(seeded_network(NETWORK, seed=1), places.database, places.queries[:3], CPU, shortlist=5)
    assert expected.counts is not None
    assert found.by_count.counts is not None
    assert np.array_equal(found.by_count.counts, expected.counts)
    for outcome in (found.by_count, found.by_inliers):
        assert np.array_equal(outcome.is_right, expected.is_right)
        assert outcome.distances == pytest.approx(expected.distances, abs=1e-6)


def test_inliers_are_some_of_the_matches(tmp_path: Path) -> None:
    found = compared(tmp_path)
    assert found.by_inliers.counts is not None
    assert found.by_count.counts is not None
    assert (found.by_inliers.counts <= found.by_count.counts).all()
    assert found.by_inliers.counts.max() >= 4
    assert found.mean_matches == pytest.approx(found.by_count.counts.mean(), rel=0.02)
    for seconds in (found.steps.counting_s, found.steps.pairing_s, found.steps.ransac_s):
        assert seconds.shape == (3,)
        assert (seconds > 0).all()


def test_the_first_candidate_is_verified_with_its_own_matches(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    network = seeded_network(NETWORK, seed=1)
    found = compare(network, places.database[:1], places.queries[:1], CPU, RansacSettings(), shortlist=1)
    with torch.no_grad():
        query, candidate = (
            network(preprocess(open_image(side[0].path))[None]).local_features[0]
            for side in (places.queries, places.database)
        )
    verifier = HomographyVerifier((16, 16), (16, 16), RansacSettings())
    expected = verifier.inliers(*verifier.points_px(find_mutual_matches(query, candidate.half())))
    assert found.by_inliers.counts is not None
    assert found.by_inliers.counts.tolist() == [[expected]]


def test_without_local_features_there_is_nothing_to_verify(tmp_path: Path) -> None:
    places = small_set(tmp_path)
    network = seeded_network(replace(NETWORK, local_features="none"), seed=1)
    with pytest.raises(InvalidInput, match="no local features"):
        compare(network, places.database, places.queries, CPU, RansacSettings(), shortlist=5)


def test_queries_are_spread_evenly(tmp_path: Path) -> None:
    queries = small_set(tmp_path).queries
    assert [place.id for place in spread(queries, 3)] == ["00.jpg", "06.jpg", "11.jpg"]
    assert spread(queries, None) == spread(queries, 99) == tuple(queries)


def test_the_command_writes_what_it_prints(tmp_path: Path) -> None:
    weights, out = tmp_path / "network.safetensors", tmp_path / "new" / "verification.json"
    save_network(seeded_network(NETWORK, seed=1), weights)
    arguments = ["--weights", str(weights), "--pictures", str(write_split(tmp_path / "val")), "--queries", "4"]
    result = CliRunner().invoke(app, ["spatial-verification", *arguments, "--shortlist", "5", "--out", str(out)])
    assert result.exit_code == 0, result.output
    written = json.loads(out.read_text())
    assert written["conditions"]["queries"] == 4
    assert written["conditions"]["database"] == 12
    assert written["conditions"]["shortlist"] == 5
    assert written["conditions"]["ransac"]["method"] == "usac-magsac"
    assert "OpenCV" in written["conditions"]["hardware"]
    seconds = written["seconds_a_query"]
    together = seconds["counting"]["mean"] + seconds["ransac"]["mean"]
    assert seconds["with_ransac"]["mean"] == pytest.approx(together)
    assert written["counting_share_percent"] == pytest.approx(100 * seconds["counting"]["mean"] / together)
    assert written["recalls"].keys() == {"global", "count", "inliers", "count_minus_inliers"}
    assert written["recalls"]["count"].keys() == {"R@1", "R@5", "R@10"}
    assert f"{written['recalls']['count']['R@1']['value']:.1f}" in result.output
