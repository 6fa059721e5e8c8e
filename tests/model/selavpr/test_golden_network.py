"""The network against recordings of the reference implementation, layer by layer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from model.selavpr.block import Block
from model.selavpr.position_table import resize_position_table
from model.selavpr.selavpr import SelaVPR
from model.weights import load_selavpr
from tests.golden.recordings import cut_layer, read_arrays, write_checkpoint

Recording = dict[str, NDArray[np.float32]]


@pytest.fixture(params=["tiny224", "tiny224reg4"])
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[SelaVPR, Recording]:
    network = load_selavpr(write_checkpoint(request.param, tmp_path), num_heads=4)
    return network, read_arrays(f"{request.param}_io")


def assert_equal(actual: torch.Tensor, expected: NDArray[np.float32], atol: float = 2e-6) -> None:
    np.testing.assert_allclose(actual.detach().numpy(), expected, atol=atol, rtol=0)


def assert_recorded(name: str, output: torch.Tensor, recorded: Recording, atol: float = 2e-6) -> None:
    """Compare the recorded part of a layer's output."""
    actual, expected = cut_layer(name, output.detach().numpy()), recorded[name]
    assert actual.shape == expected.shape, name
    np.testing.assert_allclose(actual, expected, atol=atol, rtol=0, err_msg=name)


@pytest.mark.parametrize("others", [0, 1])
def test_features(recorded: tuple[SelaVPR, Recording], others: int) -> None:
    """The features of a picture are the same alone and in a batch."""
    network, arrays = recorded
    picture = torch.from_numpy(arrays["input"])
    with torch.inference_mode():
        features = network(torch.cat([picture, picture.flip(3)[:others]]))
    assert features.local_grid == (61, 61)
    assert_recorded("global", features.global_features[:1], arrays)
    assert_recorded("local", features.local_features[:1].unflatten(1, features.local_grid), arrays)


def test_every_layer(recorded: tuple[SelaVPR, Recording]) -> None:
    network, arrays = recorded
    backbone = network.backbone
    outputs: dict[str, torch.Tensor] = {}

    def record(name: str) -> Callable[[nn.Module, object, torch.Tensor], None]:
        return lambda _module, _inputs, output: outputs.__setitem__(name, output)

    first = backbone.blocks[0]
    assert isinstance(first, Block)
    assert first.serial_adapter is not None
    assert first.parallel_adapter is not None
    assert network.pooling is not None
    assert network.local_adaptation is not None
    modules: dict[str, nn.Module] = {
        "patch_embed": backbone.patch_embed,
        "block0.attn": first.attn,
        "block0.mlp": first.mlp,
        "block0.adapter2": first.parallel_adapter,
    }
    modules |= {f"block{i}.out": block for i, block in enumerate(backbone.blocks)}
    handles = [module.register_forward_hook(record(name)) for name, module in modules.items()]
    images = torch.from_numpy(arrays["input"])
    try:
        with torch.inference_mode():
            tokens = backbone(images)
            outputs["tokens_after_pos"] = backbone.embed(images, tokens.grid)
            outputs["x_norm_patchtokens"] = tokens.patch_tokens
            outputs["x_norm_clstoken"] = tokens.class_token
            outputs["gem_raw"] = network.pooling.pool(tokens.patch_tokens)
            outputs["local_adapt_raw_NCHW"] = network.local_adaptation.upsample(tokens.patch_tokens, tokens.grid)
            attended = outputs["block0.attn"]
            # The recording of the serial adapter includes its skip, which belongs to the block here.
            outputs["block0.adapter1"] = attended + first.serial_adapter(attended)
    finally:
        for handle in handles:
            handle.remove()
    assert outputs.keys() == arrays.keys() - {"input", "global", "local", "register_tokens"}
    for name, output in outputs.items():
        # The final LayerNorm is followed by a normalisation; before it, values are of order one and larger.
        assert_recorded(name, output, arrays, atol=2e-6 * max(1.0, float(np.abs(arrays[name]).max())))


def test_position_table() -> None:
    arrays = read_arrays("pos_embed_interp")
    table = torch.from_numpy(arrays["pos_embed"])
    sizes = [name for name in arrays if name.startswith("out_")]
    assert len(sizes) == 9
    for name in sizes:
        height, width = (int(side) // 14 for side in name.removeprefix("out_").split("x"))
        assert_equal(resize_position_table(table, (height, width)), arrays[name])
