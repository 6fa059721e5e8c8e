"""DINOv2 (Oquab et al. 2023): the backbone of SelaVPR without its adapters."""

from dataclasses import replace
from typing import Literal

from torch import nn

from model.checkpoint_layout import FileShapes
from model.errors import InvalidInput
from model.selavpr.config import PRESETS
from model.selavpr.vision_transformer import VisionTransformer

DINOv2Name = Literal["vits14", "vitb14", "vitl14"]

_SIZES: dict[tuple[int, int], DINOv2Name] = {(384, 12): "vits14", (768, 12): "vitb14", (1024, 24): "vitl14"}
UNUSED_MASK = r"backbone\.\w+\.mask_token"  # DINOv2's pre-training uses it; published files keep it


class DINOv2(VisionTransformer):
    """Run a vision transformer on patches of 14 × 14 pixels.

    Attributes:
        dim: The width of a token.
    """

    def __init__(self, name: DINOv2Name, *, normalises: bool = True) -> None:
        """Make the layers.

        Args:
            name: The size.
            normalises: Whether the tokens go through DINOv2's final LayerNorm.
        """
        config = replace(PRESETS[name], adapters="none")
        super().__init__(config)
        self.dim = config.embed_dim
        del self.mask_token
        if not normalises:
            self.norm = nn.Identity()  # type: ignore[assignment]  # without tensors, and without effect


def read_dinov2(shapes: FileShapes) -> DINOv2Name:
    """Read which size the tensors of ``backbone`` make.

    Raises:
        InvalidInput: The tensors match no known size.
    """
    dim, depth = shapes.of("backbone.cls_token", 3)[2], shapes.count("backbone.blocks.")
    if (dim, depth) not in _SIZES:
        raise InvalidInput(f"no DINOv2 that is known here has a width of {dim} and {depth} blocks")
    return _SIZES[dim, depth]
