"""Properties of the starter with its weights."""

import pytest
import torch

from model.errors import InvalidInput
from model.starter.config import StarterConfig
from model.starter.network import Starter
from model.starter.package_weights import load_starter
from tests.golden.recordings import read_arrays
from tests.golden.starter import BANDS, BLOCKS, CELL_STEP, RECORDING, features_of, outputs_of_package, seeded_pictures

ALL_BLOCKS = range(21)
DEEPEST = StarterConfig(global_blocks=(11, 15, 20))


def skip_without_the_other_trunk() -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="compares with efficientnet-lite-pytorch (extra dev)")


@pytest.mark.parametrize(("height", "width"), [(256, 256), (192, 320), (225, 301)])
def test_every_block_is_that_of_the_package(height: int, width: int) -> None:
    """This includes odd sides, where padding is on other sides than at multiples of 32."""
    skip_without_the_other_trunk()
    images = seeded_pictures(2, height, width)
    with torch.inference_mode():
        ours = load_starter(DEEPEST).trunk(images, ALL_BLOCKS)
    for number, theirs in enumerate(outputs_of_package(images, ALL_BLOCKS)):
        torch.testing.assert_close(ours[number], theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(256, 256), (128, 320)])
def test_features_are_those_of_the_packages_trunk(starter: Starter, height: int, width: int) -> None:
    skip_without_the_other_trunk()
    images = seeded_pictures(2, height, width)
    global_features, local_features = features_of(outputs_of_package(images))
    with torch.inference_mode():
        features = starter(images)
    torch.testing.assert_close(features.global_features.double(), torch.from_numpy(global_features), atol=1e-5, rtol=0)
    torch.testing.assert_close(features.local_features.double(), torch.from_numpy(local_features), atol=1e-5, rtol=0)


def test_features_are_those_recorded(starter: Starter) -> None:
    recorded = read_arrays(RECORDING)
    with torch.inference_mode():
        features = starter(seeded_pictures(1, 256, 256))
    torch.testing.assert_close(features.global_features[0], torch.from_numpy(recorded["global"]), atol=1e-5, rtol=0)
    cells = features.local_features[0, ::CELL_STEP]
    torch.testing.assert_close(cells, torch.from_numpy(recorded["local"]), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("height", "width", "grid"), [(256, 256, (16, 16)), (192, 320, (12, 20)), (17, 1, (2, 1)), (225, 301, (15, 19))]
)
def test_any_size_is_encoded_to_features_of_length_1(
    starter: Starter, height: int, width: int, grid: tuple[int, int]
) -> None:
    with torch.inference_mode():
        features = starter(seeded_pictures(2, height, width))
    assert features.local_grid == grid == starter.local_grid((height, width))
    assert features.global_features.shape == (2, starter.global_dim) == (2, 1312)
    assert features.local_features.shape == (2, grid[0] * grid[1], starter.local_dim)
    assert starter.local_dim == 120
    assert features.global_features.dtype == features.local_features.dtype == torch.float32
    torch.testing.assert_close(features.global_features.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(features.local_features.norm(dim=-1), torch.ones(2, grid[0] * grid[1]))


def test_each_band_of_each_block_has_the_same_share_in_the_global_feature(starter: Starter) -> None:
    with torch.inference_mode():
        features = starter(seeded_pictures(2, 256, 256)).global_features
    for part in features.split(BANDS * [120] + BANDS * [208], dim=-1):
        torch.testing.assert_close(part.norm(dim=-1), torch.full((2,), (BANDS * len(BLOCKS)) ** -0.5))


def test_bands_go_from_top_to_bottom(starter: Starter) -> None:
    """A change at the bottom of a picture changes the lowest band and not the top band."""
    images = seeded_pictures(1, 512, 512)
    changed = images.clone()
    changed[..., 448:, :] = 0.0
    with torch.inference_mode():
        before, after = (starter(each).global_features[0, : BANDS * 120].view(BANDS, 120) for each in (images, changed))
    cosines = BANDS * len(BLOCKS) * (before * after).sum(dim=-1)
    assert cosines[0] > 0.9999
    assert cosines[-1] < 0.99


@pytest.mark.parametrize("colour", [-127 / 128, 0.0, 1.0])
def test_a_picture_of_one_colour_has_features_of_length_1(starter: Starter, colour: float) -> None:
    with torch.inference_mode():
        features = starter(torch.full((1, 3, 256, 256), colour))
    torch.testing.assert_close(features.global_features.norm(dim=-1), torch.ones(1))
    torch.testing.assert_close(features.local_features.norm(dim=-1), torch.ones(1, 256))


@pytest.mark.parametrize("shape", [(3, 256, 256), (1, 1, 256, 256), (1, 4, 256, 256), (1, 3, 0, 256), (1, 3, 256, 0)])
def test_what_is_no_batch_of_rgb_pictures_is_refused(starter: Starter, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"\(B, 3, H, W\)"):
        starter(torch.zeros(shape))


def test_a_wide_picture_is_not_a_tall_one(starter: Starter) -> None:
    images = seeded_pictures(1, 128, 192)
    with torch.inference_mode():
        assert starter(images).local_grid == (8, 12)
        assert starter(images.transpose(2, 3)).local_grid == (12, 8)


def test_cells_lie_where_the_picture_changes(starter: Starter) -> None:
    """A change in the last quarter of a picture does not change the first cells, which are far from it."""
    images = seeded_pictures(1, 512, 512)
    changed = images.clone()
    changed[..., 384:, 384:] = 0.0
    with torch.inference_mode():
        before, after = (starter(each).local_features[0].view(32, 32, -1) for each in (images, changed))
    cosines = (before * after).sum(dim=-1)
    assert cosines[:8, :8].min() > 0.9999
    assert cosines[28:, 28:].max() < 0.9


def test_the_same_picture_has_the_same_features_to_the_bit(starter: Starter) -> None:
    images = seeded_pictures(2, 256, 256)
    with torch.inference_mode():
        first, again, of_another_load = starter(images), starter(images), load_starter()(images)
    for other in (again, of_another_load):
        assert torch.equal(first.global_features, other.global_features)
        assert torch.equal(first.local_features, other.local_features)


def test_a_batch_is_its_pictures_one_by_one(starter: Starter) -> None:
    images = seeded_pictures(3, 256, 256)
    with torch.inference_mode():
        batch = starter(images)
        for row, image in enumerate(images):
            alone = starter(image[None])
            torch.testing.assert_close(batch.global_features[row], alone.global_features[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(batch.local_features[row], alone.local_features[0], atol=1e-5, rtol=0)


def test_it_counts_as_trained_and_is_in_eval_mode(starter: Starter) -> None:
    assert starter.is_trained
    assert not any(module.training for module in starter.modules())
    assert (starter.family, starter.match_floor) == ("starter", 0.55)


def test_a_configuration_without_the_last_blocks_has_none_of_their_weights() -> None:
    config = StarterConfig(global_blocks=(3, 11), global_bands=1)
    short = load_starter(config)
    assert len(short.trunk.blocks) == 12
    images = seeded_pictures(1, 256, 256)
    with torch.inference_mode():
        features = short(images)
        whole = load_starter()(images)
    assert features.global_features.shape == (1, 24 + 120)
    assert torch.equal(features.local_features, whole.local_features)
