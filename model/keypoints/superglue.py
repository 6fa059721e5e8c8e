"""SuperGlue (Sarlin et al., CVPR 2020): keypoints of two pictures, matched by attention and optimal transport.

The published weights are for non-commercial research only.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backbones.resnet import BATCH_NORM_EPS
from model.fixed_norm import FixedNorm
from model.keypoints.superpoint import Keypoints

TRANSPORT_ROUNDS = 100
LAYERS = 18
HEADS = 4
_DIM = 256
_PLACE_WIDTHS = (3, 32, 64, 128, 256)
_REACH = 0.7  # the part of the longer side by which places are divided


@dataclass(frozen=True)
class KeypointMatches:
    """Hold the matches of the keypoints of two pictures.

    Attributes:
        query: ``(n,)`` int64, ascending; keypoints of the query.
        candidate: ``(n,)`` int64; the matching keypoints of the candidate.
        scores: ``(n,)``, how sure each match is, from 0 to 1.
    """

    query: Tensor
    candidate: Tensor
    scores: Tensor

    def __len__(self) -> int:
        return len(self.query)


class NormedLinear(nn.Module):
    """Apply a linear layer, a normalisation and a ReLU."""

    def __init__(self, width: int, out_width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out_width)
        self.batch_norm = FixedNorm(out_width, BATCH_NORM_EPS)

    def forward(self, values: Tensor) -> Tensor:
        """Turn ``(k, width)`` into ``(k, out_width)``."""
        normed: Tensor = self.batch_norm(self.linear(values))
        return normed.relu()


class Layer(nn.Module):
    """Let keypoints attend to others, and add the result to their features."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.merge = (nn.Linear(_DIM, _DIM) for _ in range(4))
        self.mlp = nn.Sequential(NormedLinear(2 * _DIM, 2 * _DIM), nn.Linear(2 * _DIM, _DIM))

    def forward(self, features: Tensor, others: Tensor) -> Tensor:
        """Process ``(k, C)`` features, which attend to ``(m, C)``."""
        query, key, value = (
            projected.view(-1, HEADS, _DIM // HEADS).transpose(0, 1)
            for projected in (self.query(features), self.key(others), self.value(others))
        )
        attended = F.scaled_dot_product_attention(query, key, value).transpose(0, 1).reshape(-1, _DIM)
        message: Tensor = self.mlp(torch.cat((features, self.merge(attended)), dim=1))
        return features + message


class SuperGlue(nn.Module):
    """Match the keypoints of two pictures.

    Attributes:
        rounds: The rounds of the transport.
    """

    def __init__(self, layers: int = LAYERS) -> None:
        super().__init__()
        self.rounds = TRANSPORT_ROUNDS
        self.place = nn.Sequential(
            *(NormedLinear(*pair) for pair in pairwise(_PLACE_WIDTHS)), nn.Linear(_PLACE_WIDTHS[-1], _DIM)
        )
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.final = nn.Linear(_DIM, _DIM)
        self.bin_score = nn.Parameter(torch.tensor(1.0))

    def forward(self, query: Keypoints, candidate: Keypoints, least_score: float = 0.2) -> KeypointMatches:
        """Match keypoints.

        Args:
            query: The keypoints of one picture.
            candidate: The keypoints of another one.
            least_score: Matches must be surer than this.
        """
        if not len(query) or not len(candidate):
            none = torch.empty(0, dtype=torch.int64, device=query.places.device)
            return KeypointMatches(none, none, none.float())
        features, others = self._placed(query), self._placed(candidate)
        for number, layer in enumerate(self.layers):
            sources = (others, features) if number % 2 else (features, others)
            features, others = layer(features, sources[0]), layer(others, sources[1])
        similarities = self.final(features) @ self.final(others).T / math.sqrt(_DIM)
        shares = log_transport(similarities, self.bin_score, self.rounds)[:-1, :-1]
        best, to_candidate = shares.max(dim=1)
        to_query = shares.argmax(dim=0)
        cells = torch.arange(len(query), device=best.device)
        scores = best.exp()
        kept = ((to_query[to_candidate] == cells) & (scores > least_score)).nonzero()[:, 0]
        return KeypointMatches(kept, to_candidate[kept], scores[kept])

    def _placed(self, keypoints: Keypoints) -> Tensor:
        """Return the descriptors ``(k, C)``, with places and scores encoded into them."""
        height, width = keypoints.size
        centre = torch.tensor((width / 2, height / 2), device=keypoints.places.device)
        places = (keypoints.places - centre) / (_REACH * max(height, width))
        encoded: Tensor = self.place(torch.cat((places, keypoints.scores[:, None]), dim=1))
        return keypoints.descriptors + encoded


def log_transport(similarities: Tensor, bin_score: Tensor, rounds: int) -> Tensor:
    """Return the logarithms of the shares of each keypoint in each other one, times the number of all keypoints.

    Every keypoint gives one part. A last row and column take the keypoints without a match.

    Args:
        similarities: ``(k, m)``.
        bin_score: The similarity to having no match, without dimensions.
        rounds: The rounds of scaling rows and columns.

    Returns:
        ``(k + 1, m + 1)``.
    """
    count, other_count = similarities.shape
    matrix = F.pad(similarities, (0, 1, 0, 1))
    matrix[-1], matrix[:, -1] = bin_score, bin_score
    log_part = -math.log(count + other_count)
    rows_take, columns_take = matrix.new_full((count + 1,), log_part), matrix.new_full((other_count + 1,), log_part)
    rows_take[-1] += math.log(other_count)
    columns_take[-1] += math.log(count)
    rows, columns = torch.zeros_like(rows_take), torch.zeros_like(columns_take)
    for _ in range(rounds):
        rows = rows_take - torch.logsumexp(matrix + columns, dim=1)
        columns = columns_take - torch.logsumexp(matrix + rows[:, None], dim=0)
    return matrix + rows[:, None] + columns - log_part
