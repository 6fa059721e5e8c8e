"""TransVPR and R2Former: their features for re-ranking; ``tests/model/rerankers`` compares these with recordings."""

import pytest
import torch

from model.backbones.deit import TABLE, fit_table
from model.descriptors.r2former import STRONGEST, R2Former
from model.descriptors.r2former_pairs import nearest_rows
from model.descriptors.transvpr import TransVPR
from model.errors import InvalidInput
from tests.model.descriptors.small_networks import small_network


def transvpr() -> TransVPR:
    network = small_network("transvpr")
    assert isinstance(network, TransVPR)
    return network


def r2former(**changes: object) -> R2Former:
    network = small_network("r2former", **changes)
    assert isinstance(network, R2Former)
    return network


def pictures(height: int, width: int, count: int = 1) -> torch.Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("family", ["transvpr", "r2former"])
@pytest.mark.parametrize("size", [(48, 60), (8, 16)])
def test_pictures_are_cut_into_squares_of_16(family: str, size: tuple[int, int]) -> None:
    network = small_network(family)
    with pytest.raises(InvalidInput, match="both sides must be multiples of 16"):
        network(pictures(*size))
    with pytest.raises(InvalidInput, match="multiples of 16, such as 480x640"):
        network.preparation(size=size)


def test_cells_of_transvpr_are_not_normalised_and_lie_below_a_mask_from_0_to_1() -> None:
    network = transvpr()
    with torch.inference_mode():
        features, mask = network.cells(network.backbone(pictures(48, 64, 2)))
    assert features.shape == (2, 12, network.config.dim)
    assert not torch.allclose(features.norm(dim=-1), torch.ones(2, 12), atol=1e-2)
    assert (mask.amin(dim=1).tolist(), mask.amax(dim=1).tolist()) == ([0, 0], [1, 1])


def test_a_constant_attention_masks_every_cell_of_transvpr() -> None:
    network = transvpr()
    with torch.inference_mode():
        network.attention.weight.zero_()
        _, mask = network.cells(network.backbone(pictures(48, 64)))
    assert torch.equal(mask, torch.zeros(1, 12))  # the reference divides 0 by 0


def test_r2former_keeps_all_patches_of_a_small_picture_strongest_first() -> None:
    network = r2former()
    with torch.inference_mode():
        patches = network.patches(network.backbone(pictures(48, 64)))[0]
    assert patches.shape == (12, 3 + network.config.local_dim)
    assert patches[0, 2] == 1
    assert (patches[:-1, 2] >= patches[1:, 2]).all()
    places = {(round(float(x) * 64), round(float(y) * 64)) for x, y in patches[:, :2]}
    assert places == {(8 + 16 * column, 8 + 16 * row) for column in range(4) for row in range(3)}


def test_r2former_keeps_500_patches_of_a_large_picture() -> None:
    network = r2former()
    with torch.inference_mode():
        assert network.patches(network.backbone(pictures(352, 384))).shape[1] == STRONGEST < 22 * 24


def test_a_patch_of_r2former_has_the_feature_of_the_second_token_before_it() -> None:
    network = r2former()
    with torch.inference_mode():
        seen = network.backbone(pictures(16, 64))
        patches = network.patches(seen)[0]
        tokens = torch.cat((seen.class_token, seen.patch_tokens), dim=1)[0]
        assert network.local_head is not None
        features = network.local_head(tokens)
    for patch in patches:
        torch.testing.assert_close(patch[3:], features[int(patch[0] * 4)])


def test_positions_of_r2former_are_the_middle_of_its_table() -> None:
    table = torch.randn(1, *TABLE, 4, generator=torch.Generator().manual_seed(1))
    assert fit_table(table, TABLE) is table
    assert torch.equal(fit_table(table, (15, 20)), table[:, 8:23, 10:30])
    assert torch.equal(fit_table(table, (20, 15)), table[:, 5:25, 13:28])


def test_positions_of_a_large_picture_keep_their_distance_from_the_centre() -> None:
    table = torch.randn(1, *TABLE, 4, generator=torch.Generator().manual_seed(1))
    square = fit_table(table, (60, 60))[0]
    distance, wanted = (square[15, 30] - square[30, 30]).norm(), (table[0, 0, 20] - table[0, 15, 20]).norm()
    torch.testing.assert_close(distance, wanted)
    assert torch.equal(fit_table(table, (60, 44))[0], square[:, 8:52])


def test_rows_of_a_pair_have_the_query_first_and_the_nearest_before_others() -> None:
    generator = torch.Generator().manual_seed(2)
    query, candidate = torch.rand(1, 6, 3 + 8, generator=generator), torch.rand(1, 7, 3 + 8, generator=generator)
    query[0, 0, 0] = 1.25  # beyond the picture
    rows = nearest_rows(query, candidate)[0]
    assert rows.shape == (6 + 7, 5, 7)
    assert (rows[:, :-1, 6] >= rows[:, 1:, 6]).all()
    assert torch.equal(rows[:6, 2, :3], query[0, :, :3].clamp(0, 1))
    assert torch.equal(rows[6:, 2, 3:6], candidate[0, :, :3])
    cosines = torch.nn.functional.cosine_similarity(query[0, :, None, 3:], candidate[0, None, :, 3:], dim=-1)
    torch.testing.assert_close(rows[:6, :, 6], cosines.topk(5, dim=1).values)
    torch.testing.assert_close(rows[6:, :, 6], cosines.T.topk(5, dim=1).values)


def test_the_order_of_patches_does_not_change_a_pair() -> None:
    network = r2former()
    assert network.pairs is not None
    with torch.inference_mode():
        patches = network.patches(network.backbone(pictures(48, 64, 2)))
        query, candidate = patches[:1], patches[1:]
        logits = network.pairs(query, candidate)
        torch.testing.assert_close(network.pairs(query.flip(1), candidate.flip(1)), logits)
        assert not torch.allclose(network.pairs(candidate, query), logits)  # a pair is not symmetric


def test_a_file_of_the_first_stage_has_no_patches() -> None:
    network = r2former(pairs="none")
    with torch.inference_mode():
        seen = network.backbone(pictures(48, 64))
        assert network.aggregate(seen).shape == (1, 16)
    with pytest.raises(InvalidInput, match="no network for pairs"):
        network.patches(seen)


def test_widths_must_fit_the_heads() -> None:
    for family, name, value in (("transvpr", "dim", 30), ("r2former", "dim", 96), ("r2former", "pair_dim", 18)):
        with pytest.raises(InvalidInput, match=f"network configuration: {name} = {value} is not a multiple"):
            small_network(family, **{name: value})
