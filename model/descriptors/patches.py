"""DINOv2's patches as local features, for networks whose method has none.

EffoVPR (ICLR 2025) and FoL (AAAI 2025) re-rank by patches of DINOv2, and count pairs above a least cosine.
"""

from typing import Any, Literal

import torch.nn.functional as F

from model.descriptors.network import DescriptorNetwork, Localised
from model.plain_config import PlainConfig

LocalFeatures = Literal["none", "patches"]
MATCH_FLOOR = 0.7  # FoL's least cosine of a pair that counts


class PatchNetwork(DescriptorNetwork):
    """Define a network over DINOv2 whose patches are local features if its configuration says so."""

    def __init__(self, config: PlainConfig, local_features: LocalFeatures, *, is_trained: bool) -> None:
        super().__init__(config, is_trained=is_trained)
        self.has_patches = local_features == "patches"
        self.match_floor = MATCH_FLOOR if self.has_patches else None

    @property
    def local_dim(self) -> int:
        """Return the width of a patch; 0 without local features."""
        return int(self.backbone.get_parameter("cls_token").shape[2]) if self.has_patches else 0

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the grid of patches of pictures of a size."""
        return (size[0] // self.side_multiple, size[1] // self.side_multiple) if self.has_patches else (0, 0)

    def localise(self, seen: Any) -> Localised | None:
        """Return the patches; or none."""
        return Localised(F.normalize(seen.patch_tokens, dim=-1), seen.grid) if self.has_patches else None
