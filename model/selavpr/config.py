"""The shape of a network, without its weights."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from model.errors import InvalidInput

Adapters = Literal["both", "serial", "parallel", "none"]
GlobalPooling = Literal["gem", "class_token"]
LocalFeatures = Literal["dense", "coarse", "none"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "adapters": get_args(Adapters),
    "global_pooling": get_args(GlobalPooling),
    "local_features": get_args(LocalFeatures),
}

HEAD_DIM = 64  # DINOv2's width of one attention head, in every size


@dataclass(frozen=True)
class SelaVPRConfig:
    """Describe the shape of a SelaVPR network; the defaults are ViT-L/14, the network of the paper.

    Attributes:
        embed_dim: Width D of the tokens, and of the global feature.
        depth: Number of transformer blocks.
        num_heads: Attention heads; divides ``embed_dim``.
        mlp_dim: Hidden width of the MLP of a block.
        patch_size: Side of a patch in pixels.
        position_side: Side of the position table in patches (DINOv2: 518 / 14 = 37).
        num_register_tokens: Register tokens after the class token; 0 or 4 in DINOv2.
        adapter_dim: Bottleneck of the adapters (ratio 0.5 of the width in the paper).
        local_hidden_dim: Channels between the two up-convolutions.
        local_dim: Channels C of the local features from the local adaptation.
        adapters: Which adapters each block has (paper, table 6).
        global_pooling: The global feature: GeM over the patch tokens, or the class token (table 8).
        local_features: ``dense``: the output of the local adaptation, 61 × 61; ``coarse``: the patch tokens, 16 × 16
            (table 9); ``none``: only a global feature.
    """

    embed_dim: int = 1024
    depth: int = 24
    num_heads: int = 16
    mlp_dim: int = 4096
    patch_size: int = 14
    position_side: int = 37
    num_register_tokens: int = 0
    adapter_dim: int = 512
    local_hidden_dim: int = 256
    local_dim: int = 128
    adapters: Adapters = "both"
    global_pooling: GlobalPooling = "gem"
    local_features: LocalFeatures = "dense"

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name in _CHOICES:
                if value not in _CHOICES[name]:
                    known = ", ".join(_CHOICES[name])
                    raise InvalidInput(f"network configuration: {name} = {value!r} is not one of {known}")
            elif not isinstance(value, int) or value < (0 if name == "num_register_tokens" else 1):
                raise InvalidInput(f"network configuration: {name} = {value!r} is not a positive whole number")
        if self.embed_dim % self.num_heads:
            raise InvalidInput(
                f"network configuration: a width of {self.embed_dim} cannot be shared by {self.num_heads} attention "
                "heads; give the number of heads the network was trained with (--num-heads)"
            )

    @property
    def has_serial_adapter(self) -> bool:
        """Return whether each block has the adapter of Eq. 3."""
        return self.adapters in ("both", "serial")

    @property
    def has_parallel_adapter(self) -> bool:
        """Return whether each block has the adapter of Eq. 4."""
        return self.adapters in ("both", "parallel")

    @property
    def local_channels(self) -> int:
        """Return the channels of a local feature as the network returns it; 0 without local features."""
        return {"dense": self.local_dim, "coarse": self.embed_dim, "none": 0}[self.local_features]

    def local_grid(self, patch_grid: tuple[int, int]) -> tuple[int, int]:
        """Return the grid of local features for a grid of patches."""
        if self.local_features == "dense":
            return 4 * patch_grid[0] - 3, 4 * patch_grid[1] - 3
        return patch_grid if self.local_features == "coarse" else (0, 0)

    def to_dict(self) -> dict[str, int | str]:
        """Return the configuration as plain values, for a file's metadata."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "SelaVPRConfig":
        """Make a configuration from the values of ``to_dict``.

        Raises:
            InvalidInput: A value is missing, unknown or not a whole number.
        """
        try:
            return cls(**values)
        except TypeError as error:
            raise InvalidInput(f"network configuration: {error}") from error


def default_num_heads(embed_dim: int) -> int:
    """Return the number of attention heads for a width, one for every 64 channels, when no other source states it.

    Raises:
        InvalidInput: The width is not a multiple of 64.
    """
    if embed_dim % HEAD_DIM:
        raise InvalidInput(
            f"a width of {embed_dim} is not a multiple of {HEAD_DIM}, so the number of attention heads does not follow "
            "from the tensors; give it (--num-heads)"
        )
    return embed_dim // HEAD_DIM


VIT_LARGE = SelaVPRConfig()
VIT_BASE = replace(VIT_LARGE, embed_dim=768, depth=12, num_heads=12, mlp_dim=3072, adapter_dim=384)
VIT_SMALL = replace(VIT_LARGE, embed_dim=384, depth=12, num_heads=6, mlp_dim=1536, adapter_dim=192)
PRESETS = {"vits14": VIT_SMALL, "vitb14": VIT_BASE, "vitl14": VIT_LARGE}
