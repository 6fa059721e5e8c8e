"""TransVPR's and R2Former's features and re-ranking, against numbers of their reference implementations.

The smallest recorded pictures are compared here; all sizes are compared under the marker ``faults``, and by
``python -m tests.golden.peers.compare``. Both tests of a method share its network.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from index_builder.codebook_sample import with_codebook
from model.backbones.pyramid import CELL
from model.cell_grid import CellGrid
from model.descriptors.network import DescriptorNetwork
from model.encoder import Encoder
from model.errors import InvalidInput
from model.homography import RansacSettings, find_inliers
from model.matching import MutualMatches
from model.rerankers.registry import make_reranker
from model.rerankers.reranker import LocalFeatures, RerankSettings
from model.rerankers.transvpr import TransVPRReranker, attended
from place_map.local_codec import STORES, StoreType, global_type
from place_map.manifest import FeatureShapes
from tests.golden.peers.networks import Difference, make_network
from tests.golden.peers.recordings import Recording, read_arrays, read_recording
from tests.golden.peers.select_recordings import TWO_STAGE
from tests.golden.peers.two_stage import rerank_differences, two_stage_differences
from tests.model.descriptors.small_networks import small_network, small_size

TRANSVPR, R2FORMER = TWO_STAGE


@pytest.fixture(scope="module", params=TWO_STAGE)
def recorded(request: pytest.FixtureRequest) -> tuple[Recording, DescriptorNetwork]:
    recording = read_recording(request.param)
    return recording, make_network(recording)


def beyond(found: list[Difference]) -> list[Difference]:
    return [each for each in found if not each.largest <= each.tolerance]


def smallest(recording: Recording) -> tuple[int, int]:
    return min(recording.sizes, key=lambda size: size[0] * size[1])


def test_outputs_of_small_pictures_are_those_of_the_reference(recorded: tuple[Recording, DescriptorNetwork]) -> None:
    recording, network = recorded
    found = list(two_stage_differences(recording, network, (smallest(recording),)))
    assert {"global"} < {each.output for each in found}
    assert beyond(found) == []


def test_candidates_are_scored_and_ordered_as_by_the_reference(recorded: tuple[Recording, DescriptorNetwork]) -> None:
    recording, network = recorded
    found = list(rerank_differences(recording, network, (smallest(recording),)))
    assert [each.output for each in found][1:] == ["order"]
    assert beyond(found) == []


@pytest.mark.faults
def test_all_recorded_numbers_are_those_of_the_reference(
    recorded: tuple[Recording, DescriptorNetwork], shared_dir: Path
) -> None:
    folder = shared_dir / "golden" / "peers"
    if not folder.is_dir():
        pytest.skip(f"needs the whole recordings, and {folder} is not there")
    selected, network = recorded
    whole = read_recording(selected.method, folder)
    found = list(two_stage_differences(whole, network, whole.sizes))
    found += rerank_differences(selected, network, selected.sizes)
    assert len([each for each in found if each.output == "global"]) == len(whole.sizes)
    assert beyond(found) == []


def test_recorded_matches_of_transvpr_have_as_many_inliers_as_in_the_reference() -> None:
    """Two versions of OpenCV differ, so a count may be a fifth less than the smaller, or more than the larger one."""
    arrays = read_arrays(TRANSVPR)
    for height, width in ((480, 640), (240, 320)):
        grid = (height // CELL, width // CELL)
        centres_px = CellGrid(grid, grid).centres() * (width, height)
        assert centres_px[:2].tolist() == [[8, 8], [24, 8]]
        for number, name in enumerate("ABCD"):
            query, candidate = arrays[f"mutual_thr0.02_Qvs{name}_{height}x{width}"]
            count = find_inliers(centres_px[query], centres_px[candidate], RansacSettings(24)).sum()
            both = [arrays[f"{version}score_thr0.02_{height}x{width}"][number] for version in ("", "opencv4.11_")]
            assert 0.8 * min(both) <= count <= 1.2 * max(both)


def encoder_of(family: str) -> Encoder:
    network = small_network(family)
    return Encoder(network, "cpu", network.preparation(size=small_size(family)))


@pytest.mark.parametrize("family", ["transvpr", "r2former"])
@pytest.mark.parametrize("store", STORES)
def test_a_score_does_not_depend_on_the_other_candidates_in_any_store(family: str, store: StoreType) -> None:
    encoder = encoder_of(family)
    images = torch.randn(4, *encoder.picture_shape, generator=torch.Generator().manual_seed(4))
    features = encoder.encode(images)
    assert features.local_extras is not None
    assert features.local_extras.shape == (4, features.local_features.shape[1], encoder.local_extras)
    shapes = FeatureShapes(
        global_dim=encoder.global_dim,
        local_grid=encoder.local_grid,
        local_dim=encoder.local_dim,
        local_extras=encoder.local_extras,
        dtype=global_type(store),
        local_store=store,
    )
    codec = with_codebook(shapes, features.local_features).local_codec
    stored = codec.encode(features.local_features, features.local_extras).numpy()
    extras = torch.from_numpy(codec.extras_of(stored))
    assert torch.equal(extras, features.local_extras)
    candidates = LocalFeatures(codec.round_trip(features.local_features), extras)
    query = LocalFeatures(features.local_features[0], extras[0])
    reranker = make_reranker(encoder.reranker, encoder, RerankSettings())
    assert reranker.name == family
    together = reranker.compare(query, candidates)
    assert (together.shape, together.dtype) == ((4, 1), torch.float64)
    assert (together >= 0).all()
    for number, candidate in enumerate(candidates):
        alone = LocalFeatures(candidate.features[None], candidate.extras[None])  # type: ignore[index]
        assert torch.equal(reranker.compare(query, alone)[0], together[number])


def test_cells_without_attention_match_nothing_and_lengths_count_in_transvpr() -> None:
    encoder = encoder_of("transvpr")
    reranker = make_reranker("transvpr", encoder, RerankSettings())
    directions = normalize(torch.randn(12, 32, generator=torch.Generator().manual_seed(5)), dim=-1)
    seen = torch.ones(12, 2)
    same = LocalFeatures(directions, seen)
    assert len(pairs_of(reranker, same, same)) == 12
    hidden = seen.clone()
    hidden[7:, 1] = 0.02  # the largest mask that hides a cell
    pairs = pairs_of(reranker, LocalFeatures(directions, hidden), same)
    assert pairs.query_cells.tolist() == pairs.candidate_cells.tolist() == list(range(7))
    longer = seen.clone()
    longer[3, 0] = 100
    np.testing.assert_allclose(attended(LocalFeatures(directions, longer)).norm(dim=1), longer[:, 0], rtol=1e-6)
    assert len(pairs_of(reranker, same, LocalFeatures(directions, longer))) < 12


def pairs_of(reranker: object, query: LocalFeatures, candidate: LocalFeatures) -> MutualMatches:
    assert isinstance(reranker, TransVPRReranker)
    return reranker.pairs(query, candidate)


@pytest.mark.parametrize("family", ["transvpr", "r2former"])
def test_features_of_another_network_are_refused(family: str, tiny_encoder: Encoder) -> None:
    with pytest.raises(InvalidInput, match=f"the re-ranker {family} .* leave --reranker out"):
        make_reranker(family, tiny_encoder, RerankSettings())
    encoder = encoder_of(family)
    bare = LocalFeatures(torch.ones(12, encoder.local_dim))
    reranker = make_reranker(family, encoder, RerankSettings())
    with pytest.raises(InvalidInput, match=f"{family} needs .* of each feature, and there are none"):
        reranker.compare(bare, LocalFeatures(bare.features[None]))


def test_r2former_needs_five_patches_and_its_network_for_pairs() -> None:
    network = small_network("r2former")
    few = Encoder(network, "cpu", network.preparation(size=(16, 64)))
    with pytest.raises(InvalidInput, match="pictures have 4 patches, and the re-ranker r2former needs at least 5"):
        make_reranker("r2former", few, RerankSettings())
    without = small_network("r2former", pairs="none")
    encoder = Encoder(without, "cpu", without.preparation(size=(48, 64)))
    assert (encoder.local_dim, encoder.local_extras, encoder.local_grid) == (0, 0, (0, 0))
    with pytest.raises(InvalidInput, match="take weights of R2Former's second stage"):
        make_reranker("r2former", encoder, RerankSettings())
