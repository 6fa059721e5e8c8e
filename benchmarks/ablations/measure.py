"""Two-stage retrieval of every query of the town, stored so that all tables can be made from it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.ablations.outcome import Outcome
from model.features import Features
from model.matching import MatchingPrecision, count_mutual_matches
from model.places import Place
from model.recall import DEFAULT_THRESHOLD_M, positives_within
from model.selavpr.selavpr import SelaVPR
from model.training.picture_batches import encode_pictures

OnDone: TypeAlias = Callable[[int], None]
"""A function of the number of pictures that were processed since the last call."""

BATCH_SIZE = 32
DECODERS = 4


@torch.no_grad()
def measure(
    network: SelaVPR,
    database: Sequence[Place],
    queries: Sequence[Place],
    device: torch.device,
    *,
    shortlist: int,
    precision: MatchingPrecision = "exact",
    on_done: OnDone = lambda _: None,
) -> Outcome:
    """Retrieve every query, and re-rank its shortlist if the network has local features.

    Local features of the database are kept in memory, rounded to float16 as in a served map: 0.95 MB per picture.

    Args:
        network: The network, on the device.
        database: The pictures to search.
        queries: The queries.
        device: The device of the work.
        shortlist: The number of candidates of a query.
        precision: The precision of counting mutual matches.
        on_done: A function that receives the progress.

    Returns:
        The shortlist of each query, with distances, counts and right candidates.

    Raises:
        ImageError: A picture cannot be read.
    """
    positives = positives_within(queries, database, DEFAULT_THRESHOLD_M)
    global_parts, local_parts = [], []
    for features in _encode(network, [place.path for place in database], device):
        global_parts.append(features.global_features)
        local_parts.append(features.local_features.half())
        on_done(len(features))
    global_features, local_features = torch.cat(global_parts), torch.cat(local_parts)
    has_local = bool(local_features.shape[1])
    rows: list[NDArray[np.int64]] = []
    distances: list[NDArray[np.float32]] = []
    counts: list[NDArray[np.int64]] = []
    for features in _encode(network, [place.path for place in queries], device):
        for row in range(len(features)):
            away = (global_features - features.global_features[row]).norm(dim=1)  # (n,)
            near = away.argsort(stable=True)[:shortlist]
            rows.append(near.cpu().numpy())
            distances.append(away[near].cpu().numpy())
            if has_local:
                counted = count_mutual_matches(features.local_features[row], local_features[near], precision=precision)
                counts.append(counted.cpu().numpy())
        on_done(len(features))
    shortlists = np.stack(rows)
    return Outcome(
        is_right=np.stack([np.isin(found, right) for found, right in zip(shortlists, positives, strict=True)]),
        distances=np.stack(distances),
        counts=np.stack(counts).astype(np.int64) if has_local else None,
    )


def _encode(network: SelaVPR, paths: Sequence[Path], device: torch.device) -> Iterator[Features]:
    return encode_pictures(network, paths, device, batch_size=BATCH_SIZE, decoders=DECODERS)
