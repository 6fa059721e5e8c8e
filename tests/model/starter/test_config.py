"""The shape of a starter, as plain values and as blocks."""

import json
from typing import Any

import pytest

from model.errors import InvalidInput
from model.starter.config import StarterConfig
from model.starter.trunk_shape import block_shapes


def test_a_configuration_survives_json() -> None:
    config = StarterConfig(width=1.0, depth=1.1, global_blocks=(3, 7), global_bands=2, gem_power=2.5, local_block=5)
    assert StarterConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert StarterConfig.from_dict({}) == StarterConfig()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 0}, "width = 0 is not a positive number"),
        ({"depth": float("nan")}, "depth = nan is not a positive number"),
        ({"gem_power": "3"}, "gem_power = '3' is not a positive number"),
        ({"gem_power": True}, "gem_power = True is not a positive number"),
        ({"global_blocks": ()}, r"global_blocks = \(\) are not numbers of blocks"),
        ({"global_blocks": [11, 15.0]}, r"global_blocks = \(11, 15.0\) are not numbers of blocks"),
        ({"global_blocks": 11}, "global_blocks = 11 are not numbers of blocks"),
        ({"global_blocks": (15, 11)}, r"global_blocks = \(15, 11\) must ascend"),
        ({"global_blocks": (11, 11)}, r"global_blocks = \(11, 11\) must ascend"),
        ({"global_bands": 0}, "global_bands = 0 is not a number of bands"),
        ({"global_bands": 1.0}, "global_bands = 1.0 is not a number of bands"),
        ({"local_block": 1.0}, "local_block = 1.0 is not the number of a block"),
        ({"local_block": 21}, "there is no block 21; .* has the blocks 0 to 20"),
        ({"global_blocks": (-1,)}, "there is no block -1"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_network_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=rf"starter configuration: .*{message}"):
        StarterConfig.from_dict(values)


def test_the_starter_has_the_blocks_that_it_reads_and_no_more() -> None:
    config = StarterConfig()
    assert len(block_shapes(1.1, 1.2)) == 21
    assert config.blocks == block_shapes(1.1, 1.2)[:16]
    assert (config.global_dim, config.local_dim, config.local_grid((256, 256))) == (1312, 120, (16, 16))


def test_the_blocks_of_every_size_are_those_of_the_package() -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="compares with efficientnet-lite-pytorch (extra dev)")
    from efficientnet_lite_pytorch import EfficientNet

    sizes = [(1.0, 1.0), (1.0, 1.1), (1.1, 1.2), (1.2, 1.4), (1.4, 1.8)]
    for number, (width, depth) in enumerate(sizes):
        blocks = EfficientNet.from_name(f"efficientnet-lite{number}", image_size=None)._blocks
        theirs = [
            (
                block._depthwise_conv.in_channels,
                block._project_conv.out_channels,
                block._depthwise_conv.kernel_size[0],
                block._depthwise_conv.stride[0],
                hasattr(block, "_expand_conv"),
            )
            for block in blocks
        ]
        ours = [
            (shape.expanded_channels, shape.out_channels, shape.kernel_size, shape.stride, shape.expansion > 1)
            for shape in block_shapes(width, depth)
        ]
        assert ours == theirs
