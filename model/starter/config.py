"""The shape of a starter network, without its weights."""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from model.errors import InvalidInput
from model.starter.trunk_shape import BlockShape, block_shapes, stride_after


@dataclass(frozen=True)
class StarterConfig:
    """Describe the trunk and the blocks that give features; the defaults are Placefix's starter, over
    EfficientNet-Lite2.

    Attributes:
        width: Factor on the channels of the trunk.
        depth: Factor on the number of its blocks.
        global_blocks: Numbers of the blocks that give the global feature, from 0, ascending.
        global_bands: Number of horizontal bands in each of these blocks; each band is pooled separately.
        gem_power: Power of the generalised mean over a band.
        local_block: Number of the block whose cells are the local features.
    """

    width: float = 1.1
    depth: float = 1.2
    global_blocks: tuple[int, ...] = (11, 15)
    global_bands: int = 4
    gem_power: float = 2.0
    local_block: int = 11

    def __post_init__(self) -> None:
        for name in ("width", "depth", "gem_power"):
            value = getattr(self, name)
            if not _is_number(value) or not isfinite(value) or value <= 0:
                raise InvalidInput(f"starter configuration: {name} = {value!r} is not a positive number")
        blocks = self.global_blocks
        if not isinstance(blocks, tuple) or not blocks or not all(_is_whole(block) for block in blocks):
            raise InvalidInput(f"starter configuration: global_blocks = {blocks!r} are not numbers of blocks")
        if list(blocks) != sorted(set(blocks)):
            raise InvalidInput(f"starter configuration: global_blocks = {blocks!r} must ascend, each once")
        if not _is_whole(self.local_block):
            raise InvalidInput(
                f"starter configuration: local_block = {self.local_block!r} is not the number of a block"
            )
        if not _is_whole(self.global_bands) or self.global_bands < 1:
            raise InvalidInput(f"starter configuration: global_bands = {self.global_bands!r} is not a number of bands")
        count = len(block_shapes(self.width, self.depth))
        for block in (*blocks, self.local_block):
            if not 0 <= block < count:
                raise InvalidInput(
                    f"starter configuration: there is no block {block}; an EfficientNet-Lite of depth {self.depth} has "
                    f"the blocks 0 to {count - 1}"
                )

    @property
    def blocks(self) -> tuple[BlockShape, ...]:
        """Return the shapes of the blocks up to the last one that gives features."""
        last = max(*self.global_blocks, self.local_block)
        return block_shapes(self.width, self.depth)[: last + 1]

    @property
    def global_dim(self) -> int:
        """Return the width of the global feature."""
        return self.global_bands * sum(self.blocks[block].out_channels for block in self.global_blocks)

    @property
    def local_dim(self) -> int:
        """Return the channels of a local feature."""
        return self.blocks[self.local_block].out_channels

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the grid of local features of a picture.

        Args:
            size: Height and width of the picture in pixels.
        """
        stride = stride_after(self.blocks, self.local_block)
        return -(-size[0] // stride), -(-size[1] // stride)

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values, for a file's metadata."""
        return asdict(self) | {"global_blocks": list(self.global_blocks)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "StarterConfig":
        """Make a configuration from the values of ``to_dict``.

        Raises:
            InvalidInput: A value is unknown or impossible.
        """
        blocks = values.get("global_blocks")
        plain = values | {"global_blocks": tuple(blocks)} if isinstance(blocks, list) else values
        try:
            return cls(**plain)
        except TypeError as error:
            raise InvalidInput(f"starter configuration: {error}") from error


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
