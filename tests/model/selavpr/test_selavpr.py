"""Properties of the network at any weights."""

from dataclasses import replace

import pytest
import torch

from model.errors import InvalidInput
from model.selavpr.block import Block
from model.selavpr.config import PRESETS, VIT_LARGE, SelaVPRConfig, default_num_heads
from model.selavpr.initialisation import seeded_network
from model.selavpr.position_table import resize_position_table
from model.selavpr.selavpr import SelaVPR
from tests.conftest import TINY_CONFIG


@pytest.fixture(scope="module")
def tiny_network() -> SelaVPR:
    """Make the tiny network with the patches of the published ones."""
    return seeded_network(replace(TINY_CONFIG, patch_size=14), seed=7)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("height", "width"), [(224, 224), (14, 14), (112, 168), (168, 112), (322, 322), (588, 336)])
def test_any_multiple_of_14_is_encoded(tiny_network: SelaVPR, height: int, width: int) -> None:
    with torch.inference_mode():
        features = tiny_network(noise(2, 3, height, width))
    expected_grid = (4 * height // 14 - 3, 4 * width // 14 - 3)
    assert features.local_grid == expected_grid
    assert features.global_features.shape == (2, 64)
    assert features.local_features.shape == (2, expected_grid[0] * expected_grid[1], 16)
    torch.testing.assert_close(features.global_features.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(features.local_features.norm(dim=-1), torch.ones(2, features.local_features.shape[1]))


@pytest.mark.parametrize("shape", [(1, 3, 224, 225), (1, 3, 223, 224), (1, 3, 0, 14), (1, 3, 13, 14)])
def test_another_size_is_refused_with_the_size(tiny_network: SelaVPR, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=rf"{shape[2]} × {shape[3]} pixels.*multiples of 14"):
        tiny_network(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(3, 224, 224), (1, 1, 224, 224), (1, 4, 224, 224)])
def test_what_is_no_batch_of_rgb_pictures_is_refused(tiny_network: SelaVPR, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"\(B, 3, H, W\)"):
        tiny_network(torch.zeros(shape))


def test_a_wide_picture_is_not_a_tall_one(tiny_network: SelaVPR) -> None:
    """The transposed picture has other features: height and width are not mixed up on the way."""
    images = noise(1, 3, 112, 168)
    with torch.inference_mode():
        wide, tall = tiny_network(images), tiny_network(images.transpose(2, 3))
    assert wide.local_grid == (29, 45)
    assert tall.local_grid == (45, 29)


def test_a_batch_is_its_pictures_one_by_one(tiny_network: SelaVPR) -> None:
    images = noise(5, 3, 224, 224)
    with torch.inference_mode():
        batch = tiny_network(images)
        for row, image in enumerate(images):
            alone = tiny_network(image[None])
            torch.testing.assert_close(batch.global_features[row], alone.global_features[0], atol=1e-6, rtol=0)
            torch.testing.assert_close(batch.local_features[row], alone.local_features[0], atol=2e-6, rtol=0)


def test_registers_come_without_a_position(tiny_network: SelaVPR) -> None:
    network = seeded_network(replace(tiny_network.config, num_register_tokens=4), seed=7)
    backbone = network.backbone
    assert backbone.register_tokens is not None
    tokens = backbone.embed(noise(1, 3, 28, 28), (2, 2))
    assert tokens.shape == (1, 1 + 4 + 4, 64)
    torch.testing.assert_close(tokens[:, 1:5], backbone.register_tokens)


def test_the_table_itself_is_used_at_its_own_size() -> None:
    table = noise(1, 1 + 49, 8)
    assert resize_position_table(table, (7, 7)) is table
    assert resize_position_table(table, (7, 8)).shape == (1, 1 + 56, 8)
    assert torch.equal(resize_position_table(table, (3, 5))[:, 0], table[:, 0])


def test_adapters_begin_as_the_identity(tiny_network: SelaVPR) -> None:
    """Before training, the adapted network is its backbone: the adapters add nothing."""
    images = noise(1, 3, 56, 56)
    with torch.inference_mode():
        before = tiny_network(images)
    network = seeded_network(tiny_network.config, seed=7)
    with torch.no_grad():
        for block in network.backbone.blocks:
            assert isinstance(block, Block)
            assert block.serial_adapter is not None
            assert block.parallel_adapter is not None
            block.serial_adapter.down.weight.normal_()
            block.parallel_adapter.down.weight.normal_()
    with torch.inference_mode():
        after = network(images)
    torch.testing.assert_close(after.global_features, before.global_features, atol=0, rtol=0)


def test_the_seed_decides_the_weights(tiny_network: SelaVPR) -> None:
    same, other = (seeded_network(tiny_network.config, seed=seed).state_dict() for seed in (7, 8))
    reference = tiny_network.state_dict()
    assert all(torch.equal(reference[name], same[name]) for name in reference)
    assert not torch.equal(reference["local_adaptation.up1.weight"], other["local_adaptation.up1.weight"])
    assert not torch.equal(reference["backbone.blocks.0.attn.qkv.weight"], other["backbone.blocks.0.attn.qkv.weight"])


def test_vit_large_has_the_parameters_of_the_paper() -> None:
    with torch.device("meta"):
        network = SelaVPR(VIT_LARGE, is_trained=False)
        with_registers = SelaVPR(replace(VIT_LARGE, num_register_tokens=4), is_trained=False)
    sizes = {name: parameter.numel() for name, parameter in network.named_parameters()}
    assert sum(sizes.values()) == 357_428_609
    assert sum(parameter.numel() for parameter in with_registers.parameters()) == 357_432_705
    trainable = {name for name in sizes if "adapter" in name or not name.startswith("backbone.")}
    assert sum(sizes[name] for name in trainable) == 53_059_969
    assert len(sizes) == 540


def test_vit_large_runs() -> None:
    network = SelaVPR(VIT_LARGE, is_trained=False).eval()
    with torch.inference_mode():
        features = network(noise(1, 3, 224, 224))
    assert features.global_features.shape == (1, 1024)
    assert features.local_features.shape == (1, 3721, 128)
    assert bool(features.global_features.isfinite().all())
    assert bool(features.local_features.isfinite().all())


@pytest.mark.parametrize(("name", "dim", "depth"), [("vits14", 384, 12), ("vitb14", 768, 12), ("vitl14", 1024, 24)])
def test_presets_are_the_sizes_of_dinov2(name: str, dim: int, depth: int) -> None:
    config = PRESETS[name]
    assert (config.embed_dim, config.depth, config.mlp_dim) == (dim, depth, 4 * dim)
    assert config.num_heads == default_num_heads(dim)
    assert config.adapter_dim == dim // 2


def test_a_width_that_the_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"100 cannot be shared by 3 attention heads"):
        SelaVPRConfig(embed_dim=100, num_heads=3)
    with pytest.raises(InvalidInput, match=r"width of 100 is not a multiple of 64"):
        default_num_heads(100)


@pytest.mark.parametrize("change", [{"depth": 0}, {"depth": "12"}, {"patch_size": -14}, {"num_register_tokens": -1}])
def test_a_configuration_of_no_network_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(change))):
        SelaVPRConfig.from_dict(VIT_LARGE.to_dict() | change)


def test_a_configuration_survives_a_round_trip() -> None:
    assert SelaVPRConfig.from_dict(VIT_LARGE.to_dict()) == VIT_LARGE
    with pytest.raises(InvalidInput, match="unknown_key"):
        SelaVPRConfig.from_dict(VIT_LARGE.to_dict() | {"unknown_key": 1})
