"""The network of R2Former for pairs of pictures (Zhu et al., CVPR 2023): from the strongest patches to a score."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.transformer_block import LAYER_NORM_EPS, Block

PLACE = 3  # x, y and attention precede the feature in a row of a patch
NEAREST = 5  # patches in the other picture
_ROW = 2 * PLACE + 1  # both places and the correlation of a match
_HEADS = 4
_MLP_RATIO = 4


class PairNetwork(nn.Module):
    """Compute how likely two pictures show one place.

    Every patch of both pictures has its five nearest patches in the other picture. A first transformer makes one token
    of the five matches of a patch, and a second one makes one score of all these tokens. A score is not symmetric: the
    second picture gives the positions of the matches.
    """

    def __init__(self, dim: int, depth: int, match_depth: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.cls_token_2 = nn.Parameter(torch.zeros(1, 1, dim))
        self.blocks = nn.ModuleList(Block(dim, _HEADS, _MLP_RATIO * dim) for _ in range(depth))
        self.blocks_2 = nn.ModuleList(Block(dim, _HEADS, _MLP_RATIO * dim) for _ in range(match_depth))
        self.decoder_norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.pair_head = nn.Linear(_ROW, dim)
        self.pair_head_2 = nn.Linear(dim, dim)
        self.decoder_pred = nn.Linear(dim, 2)

    def forward(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Return the logits ``(B, 2)`` of "another place" and "one place".

        Args:
            queries: ``(B, n, 3 + C)`` patches of the queries; see ``R2Former.patches``.
            candidates: ``(B, m, 3 + C)`` patches of the candidates.
        """
        rows = nearest_rows(queries, candidates)  # (B, n + m, 5, 7)
        matches = self.pair_head(rows) + _waves(rows[..., PLACE : PLACE + 2], self.pair_head.out_features)
        tokens = self._summed_up(self.cls_token_2, self.blocks_2, matches.flatten(0, 1)).view(*rows.shape[:2], -1)
        tokens = self.pair_head_2(tokens) + _waves(rows[:, :, 0, :2], self.pair_head_2.out_features)
        logits: Tensor = self.decoder_pred(self._summed_up(self.cls_token, self.blocks, tokens))
        return logits

    def _summed_up(self, first: Tensor, blocks: nn.ModuleList, tokens: Tensor) -> Tensor:
        """Return the normalised token ``(B, D)`` that a transformer makes of a first token before ``(B, T, D)``."""
        tokens = torch.cat((first.expand(len(tokens), -1, -1), tokens), dim=1)
        for block in blocks:
            tokens = block(tokens)
        summed: Tensor = self.decoder_norm(tokens[:, 0])
        return summed


def nearest_rows(queries: Tensor, candidates: Tensor) -> Tensor:
    """Return the five nearest patches in the other picture for each patch, as rows of numbers.

    Returns:
        ``(B, n + m, 5, 7)``, nearest first: x, y and attention of the query's patch, of the candidate's patch, and the
        cosine of their features. Patches of the query come first.
    """
    query_places, query_features = queries[..., :PLACE].clamp(0, 1), F.normalize(queries[..., PLACE:], dim=-1)
    places, features = candidates[..., :PLACE].clamp(0, 1), F.normalize(candidates[..., PLACE:], dim=-1)
    cosines = query_features @ features.transpose(1, 2)
    best, to_candidate = cosines.topk(NEAREST, dim=2)
    best_back, to_query = cosines.transpose(1, 2).topk(NEAREST, dim=2)
    forth = (_repeated(query_places), _picked(places, to_candidate), best[..., None])
    back = (_picked(query_places, to_query), _repeated(places), best_back[..., None])
    return torch.cat((torch.cat(forth, dim=-1), torch.cat(back, dim=-1)), dim=1)


def _repeated(places: Tensor) -> Tensor:
    return places[:, :, None].expand(-1, -1, NEAREST, -1)


def _picked(places: Tensor, indices: Tensor) -> Tensor:
    """Return ``(B, n, 5, 3)``: the places ``(B, m, 3)`` at indices ``(B, n, 5)``."""
    picked = places.gather(1, indices.flatten(1)[..., None].expand(-1, -1, PLACE))
    return picked.view(*indices.shape, PLACE)


def _waves(positions: Tensor, dim: int) -> Tensor:
    """Return sines and cosines of positions ``(…, 2)``: ``(…, dim)``, one half for x and one for y."""
    count = dim // 4
    frequencies = 10000 ** (-torch.arange(count, device=positions.device, dtype=positions.dtype) / count)
    angles = positions[..., None] * frequencies  # (…, 2, dim / 4)
    return torch.cat((angles.sin(), angles.cos()), dim=-1).flatten(-2)
