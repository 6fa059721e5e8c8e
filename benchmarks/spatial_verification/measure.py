"""Both ways of re-ranking on the same shortlists, one query after the other, with separate times for each step."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.ablations.outcome import Outcome
from benchmarks.spatial_verification.homography import HomographyVerifier, RansacSettings
from model.errors import InvalidInput
from model.matching import MatchingPrecision, count_mutual_matches, find_mutual_matches
from model.places import Place
from model.progress import SILENT, Progress
from model.recall import DEFAULT_THRESHOLD_M, positives_within
from model.selavpr.selavpr import SelaVPR
from model.training.picture_batches import encode_pictures

BATCH_SIZE = 16
DECODERS = 2


@dataclass(frozen=True)
class Steps:
    """Hold the seconds of each query ``(Q,)``.

    Attributes:
        counting_s: Counting the mutual matches of all candidates, which is all of re-ranking by count.
        pairing_s: Finding the matching cells, candidate by candidate, which are the input of RANSAC.
        ransac_s: RANSAC over these cells, candidate by candidate.
    """

    counting_s: NDArray[np.float64]
    pairing_s: NDArray[np.float64]
    ransac_s: NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Hold the results of both ways.

    Attributes:
        by_count: The outcome by counts of mutual matches.
        by_inliers: The outcome by inliers of RANSAC, on the same shortlists.
        steps: The times of the steps.
        mean_matches: The mean number of mutual matches of a pair of pictures.
    """

    by_count: Outcome
    by_inliers: Outcome
    steps: Steps
    mean_matches: float


@torch.no_grad()
def compare(
    network: SelaVPR,
    database: Sequence[Place],
    queries: Sequence[Place],
    device: torch.device,
    settings: RansacSettings,
    *,
    shortlist: int,
    precision: MatchingPrecision = "exact",
    progress: Progress = SILENT,
) -> Comparison:
    """Re-rank the shortlist of every query by count and by RANSAC.

    All pictures are encoded before the first timing, so that no decoder runs at the same time. Local features of the
    database are rounded to float16, as in a map.

    Args:
        network: A network with local features, on the device.
        database: The pictures to search.
        queries: The queries.
        device: The device that finds matches; RANSAC runs on the CPU.
        settings: The settings of RANSAC.
        shortlist: The number of candidates of a query; at most the whole database.
        precision: The precision of counting.
        progress: The display of progress, advanced for every picture and every query.

    Raises:
        InvalidInput: The network has no local features, there is no query, or OpenCV is not installed.
        ImageError: A picture cannot be read.
    """
    if not network.config.local_channels:
        raise InvalidInput("the network has no local features, so there are no matches to verify: give other weights")
    if not queries or not database or shortlist < 1:
        raise InvalidInput(
            f"{len(queries)} queries, {len(database)} pictures and a shortlist of {shortlist}: each must be at least 1"
        )
    patches = (SelaVPR.needs.height // network.config.patch_size, SelaVPR.needs.width // network.config.patch_size)
    verifier = HomographyVerifier(network.config.local_grid(patches), patches, settings)
    progress.started(len(database) + 2 * len(queries), 0)
    global_features, local_features = _encoded(network, database, device, torch.float16, progress)
    asked_global, asked_local = _encoded(network, queries, device, torch.float32, progress)
    distances: list[NDArray[np.float32]] = []
    rows: list[NDArray[np.int64]] = []
    found: list[_Reranked] = []
    for query_global, query_local in zip(asked_global, asked_local, strict=True):
        away = (global_features - query_global).norm(dim=1)  # (n,)
        near = away.argsort(stable=True)[:shortlist]
        rows.append(near.cpu().numpy())
        distances.append(away[near].cpu().numpy())
        candidates = local_features.index_select(0, near)
        if not found:  # the work of a first call: memory, threads and kernels
            _rerank(query_local, candidates[:2], verifier, precision)
        found.append(_rerank(query_local, candidates, verifier, precision))
        progress.advanced(1)
    positives = positives_within(queries, database, DEFAULT_THRESHOLD_M)
    is_right = np.stack([np.isin(near, right) for near, right in zip(rows, positives, strict=True)])
    return Comparison(
        by_count=Outcome(is_right, np.stack(distances), np.stack([each.counts for each in found])),
        by_inliers=Outcome(is_right, np.stack(distances), np.stack([each.inliers for each in found])),
        steps=Steps(*(np.array([each.durations_s[step] for each in found]) for step in range(3))),
        mean_matches=float(np.mean([each.matches for each in found])),
    )


@dataclass(frozen=True)
class _Reranked:
    """Hold one query: counts and inliers of its candidates ``(k,)``, seconds of the three steps, mean matches of a
    pair.
    """

    counts: NDArray[np.int64]
    inliers: NDArray[np.int64]
    durations_s: tuple[float, float, float]
    matches: float


def _rerank(query: Tensor, candidates: Tensor, verifier: HomographyVerifier, precision: MatchingPrecision) -> _Reranked:
    began_s = _now_s(query.device)
    counts = count_mutual_matches(query, candidates, precision=precision)
    counted_s = _now_s(query.device)
    pairs = [find_mutual_matches(query, candidate) for candidate in candidates]
    paired_s = _now_s(query.device)
    points = [verifier.points_px(each) for each in pairs]
    verifying_s = _now_s(query.device)
    inliers = [verifier.inliers(*each) for each in points]
    verified_s = _now_s(query.device)
    return _Reranked(
        counts.cpu().numpy(),
        np.array(inliers, dtype=np.int64),
        (counted_s - began_s, paired_s - counted_s, verified_s - verifying_s),
        float(np.mean([len(each) for each in pairs])),
    )


def _encoded(
    network: SelaVPR, places: Sequence[Place], device: torch.device, stored: torch.dtype, progress: Progress
) -> tuple[Tensor, Tensor]:
    """Return global features ``(n, D)`` in float32, and local ones ``(n, N, C)`` in another type."""
    global_parts: list[Tensor] = []
    local_parts: list[Tensor] = []
    paths = [place.path for place in places]
    for features in encode_pictures(network, paths, device, batch_size=BATCH_SIZE, decoders=DECODERS):
        global_parts.append(features.global_features)
        local_parts.append(features.local_features.to(stored))
        progress.advanced(len(features))
    return torch.cat(global_parts), torch.cat(local_parts)


def _now_s(device: torch.device) -> float:
    """Return the time after the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
