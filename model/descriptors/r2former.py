"""R2Former (Zhu et al., CVPR 2023): a descriptor, the strongest patches, and a network for pairs of pictures."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.deit import PATCH, DeiT
from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.descriptors.network import DescriptorNetwork, Localised
from model.descriptors.r2former_pairs import PLACE, PairNetwork
from model.errors import InvalidInput
from model.plain_config import PlainConfig
from model.preprocess import Preparation, Preprocessing
from model.selavpr.vision_transformer import Tokens

R2FORMER = "r2former"
"""The name of its re-ranker."""

STRONGEST = 500  # patches of a picture that are kept
_HEAD_DIM = 64


@dataclass(frozen=True)
class R2FormerConfig(PlainConfig):
    """Describe the shape of an R2Former network.

    Attributes:
        dim: Width of a token; a multiple of 64.
        depth: The number of blocks.
        descriptor_dim: Width D of a descriptor.
        local_dim: Width of the feature of a patch.
        pair_dim: Width of a token of the network for pairs; a multiple of 4.
        pair_depth: Its blocks for a pair of pictures.
        pair_match_depth: Its blocks for a patch and its matches.
        pairs: Whether the file has the network for pairs; published files of the first stage of training have none.
    """

    dim: int = 384
    depth: int = 12
    descriptor_dim: int = 256
    local_dim: int = 128
    pair_dim: int = 32
    pair_depth: int = 6
    pair_match_depth: int = 2
    pairs: Literal["network", "none"] = "network"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, multiple in (("dim", _HEAD_DIM), ("pair_dim", 4)):
            if getattr(self, name) % multiple:
                raise InvalidInput(
                    f"network configuration: {name} = {getattr(self, name)} is not a multiple of {multiple}"
                )


class R2Former(DescriptorNetwork):
    """Describe pictures by both first tokens of a transformer."""

    family = "r2former"
    title = "R2Former"
    needs = Preparation(height=480, width=640)
    official_eval = Preprocessing.OFFICIAL_EVAL  # its authors resized tensors without antialiasing
    side_multiple = PATCH
    config: R2FormerConfig
    backbone: DeiT

    def __init__(self, config: R2FormerConfig, *, is_trained: bool) -> None:
        super().__init__(config, is_trained=is_trained)
        self.backbone = DeiT(config.dim, config.depth)
        self.head = nn.Linear(config.dim, config.descriptor_dim)
        self.head_dist = nn.Linear(config.dim, config.descriptor_dim)
        has_pairs = config.pairs == "network"
        if has_pairs:
            self.reranker, self.local_extras = R2FORMER, PLACE
        self.local_head = nn.Linear(config.dim, config.local_dim) if has_pairs else None
        self.pairs = PairNetwork(config.pair_dim, config.pair_depth, config.pair_match_depth) if has_pairs else None

    @property
    def global_dim(self) -> int:
        """Return the width of a descriptor."""
        return self.config.descriptor_dim

    @property
    def local_dim(self) -> int:
        """Return the width of the feature of a patch; 0 without the network for pairs."""
        return 0 if self.pairs is None else self.config.local_dim

    @property
    def pair_network(self) -> PairNetwork | None:
        """Return the network for pairs; None if the file had none."""
        return self.pairs

    def local_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the grid of the patches that are kept: one column, because they lie anywhere."""
        rows, columns = self.patch_grid(size)
        return (0, 0) if self.pairs is None else (min(STRONGEST, rows * columns), 1)

    def patch_grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns of all patches."""
        return size[0] // PATCH, size[1] // PATCH

    def localise(self, seen: Tokens) -> Localised | None:
        """Return the features of the strongest patches, with their places and attentions beside them; or none."""
        if self.pairs is None:
            return None
        patches = self.patches(seen)
        features = F.normalize(patches[..., PLACE:], dim=-1)
        return Localised(features, (patches.shape[1], 1), patches[..., :PLACE].contiguous())

    def aggregate(self, seen: Tokens) -> Tensor:
        """Return the descriptors ``(B, D)``, of length 1, of tokens."""
        class_token, distilled = self.backbone.finish(seen).unbind(dim=1)
        return F.normalize((self.head(class_token) + self.head_dist(distilled)) / 2, dim=-1)

    def patches(self, seen: Tokens) -> Tensor:
        """Return the patches that get most attention, strongest first.

        Args:
            seen: The output of ``backbone``.

        Returns:
            ``(B, n, 3 + C)`` of at most 500 patches: x and y of the centre, in parts of the longer side of the picture;
            the attention, in parts of the strongest one; and the feature, not of length 1.

        Raises:
            InvalidInput: The network has no part for pairs.
        """
        if self.local_head is None:
            raise InvalidInput("this R2Former has no network for pairs: give the file of its second stage of training")
        attention = self.backbone.attend(seen)
        strongest, places = attention.topk(min(STRONGEST, attention.shape[1]), dim=1)
        rows, columns = seen.grid
        centres = torch.stack((places % columns, places // columns), dim=-1).to(strongest) * PATCH + PATCH // 2
        # The method counts the places from the class token, so a patch has the feature of the second patch before it.
        all_tokens = torch.cat((seen.class_token, seen.patch_tokens), dim=1)
        tokens = all_tokens.gather(1, places[..., None].expand(-1, -1, all_tokens.shape[-1]))
        parts = (
            centres / (PATCH * max(rows, columns)),
            (strongest / strongest[:, :1])[..., None],
            self.local_head(tokens),
        )
        return torch.cat(parts, dim=-1)


def _read_config(shapes: FileShapes) -> R2FormerConfig:
    config = R2FormerConfig(
        dim=shapes.of("backbone.cls_token", 3)[2],
        depth=shapes.count("backbone.blocks."),
        descriptor_dim=shapes.of("head.weight", 2)[0],
        pairs="none",
    )
    if not shapes.count("pairs."):
        return config
    return R2FormerConfig(
        dim=config.dim,
        depth=config.depth,
        descriptor_dim=config.descriptor_dim,
        local_dim=shapes.of("local_head.weight", 2)[0],
        pair_dim=shapes.of("pairs.cls_token", 3)[2],
        pair_depth=shapes.count("pairs.blocks."),
        pair_match_depth=shapes.count("pairs.blocks_2."),
    )


_HEADS = ("head.", "head_dist.")
_UNUSED = (r"Reranker\.(decoder_pos_embed|ratio)",)  # ratio mixes in the descriptors, and its result is not used

LAYOUTS = (
    CheckpointLayout(
        title="R2Former checkpoint",
        marks=("backbone.dist_token", "backbone.head_dist."),
        prefixes=(
            ("backbone.", "backbone."),
            *((f"backbone.{head}", head) for head in _HEADS),
            ("local_head.", "local_head."),
            ("Reranker.", "pairs."),
        ),
        read_config=_read_config,
        unused=_UNUSED,
    ),
    CheckpointLayout(
        title="R2Former checkpoint of the first stage of training",
        marks=("dist_token", "head_dist."),
        prefixes=(("", "backbone."), *((head, head) for head in _HEADS)),
        read_config=_read_config,
    ),
)
"""The layouts of published files: with the network for pairs, and without it."""
