"""The learning of codebooks from local features of a sample of a map's pictures.

Two ways are known. *Product codes* turn the features to their principal axes, deal the axes out to the bytes so that
each has about as much to say (Ge, He, Ke and Sun, Optimized Product Quantization, CVPR 2013, the parametric solution),
and find the entries of each byte by k-means. *ITQ* (Gong and Lazebnik, Iterative Quantization, CVPR 2011) turns the
centred features so that the numbers of all channels are near to a few common levels, and then gives the channels levels
of their own (Lloyd, Least Squares Quantization in PCM, 1982).

The same features give the same codebook on the same machine with the same versions and number of threads.
"""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.codes import as_features
from model.errors import InvalidInput
from place_map.faiss_library import load_faiss
from place_map.learned_codes import ENTRIES, LARGEST_CODE, LearnedBits, LearnedCodes, Learner

MOST_CHANNELS = 512
"""The most channels C: a manifest keeps C × C numbers, 1 MB here."""

_SEED = 0
_KMEANS_ITERATIONS = 25
_LEAST_VARIANCE = 1e-9  # smaller ones are rounding errors of features of length 1
_ROTATIONS = 50  # as in the paper of ITQ
_LLOYD_STEPS = 20
# Levels with the least square error for normally distributed numbers (Max, Quantizing for Minimum Distortion, 1960).
_NORMAL_LEVELS = {1: (-0.7979, 0.7979), 2: (-1.5104, -0.4528, 0.4528, 1.5104)}


def learn_codes(features: Tensor, learner: Learner, bits: LearnedBits) -> LearnedCodes:
    """Learn the codebook of a map.

    Args:
        features: ``(n, C)`` float32 of length 1, on the CPU. If there are none, nobody will ask for their codes, and
            the codebook is an arbitrary one.
        learner: The way of learning.
        bits: The bits of a number, 1 or 2: eight or four channels share a byte.

    Raises:
        InvalidInput: The features have too many channels.
    """
    count, channels = features.shape
    check_channels(channels)
    if not count:
        features = torch.eye(channels)
    in_byte = 8 // bits
    learn = _learn_product if learner == "product" else _learn_itq
    rotation, entries = learn(features, in_byte)
    unit = float(np.abs(entries).max(initial=0)) / LARGEST_CODE or 1.0
    found = LearnedCodes(rotation, np.ascontiguousarray(np.rint(entries / unit), np.int8), unit, 1.0)
    return LearnedCodes(found.rotation, found.entries, found.unit, _mean_cosine(features, found))


def check_channels(channels: int) -> None:
    """Check that codes can be learned for features of C channels.

    Raises:
        InvalidInput: There are too many.
    """
    if channels > MOST_CHANNELS:
        raise InvalidInput(
            f"the network's local features have {channels:,} channels, and codes are learned for {MOST_CHANNELS} at "
            "most: choose --store int4 or binary, which learn nothing"
        )


def _learn_product(features: Tensor, in_byte: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a rotation ``(C, C)`` and entries ``(width, 256, in_byte)`` by k-means."""
    channels = features.shape[1]
    width = -(-channels // in_byte)
    if not width:
        return np.eye(channels, dtype=np.float32), np.zeros((0, ENTRIES, in_byte))
    exact = features.double().numpy()
    centred = exact - exact.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred / len(exact))
    rotation = axes[:, _dealt_out(variances, in_byte)].astype(np.float32)
    rows = max(len(exact), ENTRIES)  # faiss wants as many features as entries
    rotated = np.zeros((rows, width * in_byte), np.float32)
    rotated[:, :channels] = np.resize(features.numpy() @ rotation, (rows, channels))
    faiss = load_faiss()
    quantizer = faiss.ProductQuantizer(width * in_byte, width, 8)
    quantizer.cp.niter, quantizer.cp.seed, quantizer.cp.min_points_per_centroid = _KMEANS_ITERATIONS, _SEED, 1
    quantizer.train(rotated)
    entries = faiss.vector_to_array(quantizer.centroids).reshape(width, ENTRIES, in_byte)
    return rotation, entries.astype(np.float64)


def _dealt_out(variances: NDArray[np.float64], in_byte: int) -> list[int]:
    """Return the order of axes in which the product of the variances of each byte is about the same.

    Each axis, the widest first, goes to the byte with the least product so far that has room.
    """
    channels = len(variances)
    logarithms = np.log(np.maximum(variances, _LEAST_VARIANCE) / _LEAST_VARIANCE)
    room = [min(in_byte, channels - start) for start in range(0, channels, in_byte)]
    groups: list[list[int]] = [[] for _ in room]
    totals = [0.0] * len(room)
    for axis in np.argsort(-variances, kind="stable").tolist():
        byte = min((each for each in range(len(room)) if len(groups[each]) < room[each]), key=totals.__getitem__)
        groups[byte].append(axis)
        totals[byte] += float(logarithms[axis])
    return [axis for group in groups for axis in group]


def _learn_itq(features: Tensor, in_byte: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a rotation ``(C, C)`` and entries ``(width, 256, in_byte)``, all combinations of levels of the channels.

    Given the rotation, each number takes its nearest common level; given these, the best rotation is known
    (Procrustes).
    """
    channels, bits = features.shape[1], 8 // in_byte
    normal = np.array(_NORMAL_LEVELS[bits])
    centred = features - features.double().mean(dim=0).float()
    spread = float(centred.double().square().mean().sqrt()) if centred.numel() else 0.0
    random = np.random.default_rng(_SEED).standard_normal((channels, channels))
    rotation = np.linalg.qr(random)[0].astype(np.float32)
    for _ in range(_ROTATIONS if spread else 0):
        levels = _nearest_levels(centred @ torch.from_numpy(rotation), normal * spread)
        left, _, right = np.linalg.svd((centred.T @ levels).double().numpy())
        rotation = (left @ right).astype(np.float32)
    of_channel = _learn_levels(features.numpy() @ rotation, normal)
    width = -(-channels // in_byte)
    every = np.zeros((width * in_byte, len(normal)))
    every[:channels] = of_channel
    steps = np.arange(ENTRIES)[:, None] >> np.arange(0, 8, bits) & (1 << bits) - 1  # the first in the lowest bits
    return rotation, every.reshape(width, in_byte, len(normal))[:, np.arange(in_byte), steps]


def _nearest_levels(numbers: Tensor, levels: NDArray[np.float64]) -> Tensor:
    found = torch.full_like(numbers, levels[0])
    for lower, upper in pairwise(levels):
        found += (upper - lower) * (numbers > (lower + upper) / 2)
    return found


def _learn_levels(rotated: NDArray[np.float32], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the levels of each channel, ``(C, L)``, each the mean of the numbers that are nearest to it."""
    found = np.empty((rotated.shape[1], len(normal)))
    for channel, numbers in enumerate(rotated.T.astype(np.float64)):
        ordered = np.sort(numbers)
        sums = np.concatenate([[0], np.cumsum(ordered)])
        levels = ordered.mean() + ordered.std() * normal
        for _ in range(_LLOYD_STEPS):
            ends = [0, *np.searchsorted(ordered, (levels[1:] + levels[:-1]) / 2, side="right"), len(ordered)]
            counts = np.diff(ends)
            levels = np.where(counts > 0, np.diff(sums[ends]) / np.maximum(counts, 1), levels)
        found[channel] = levels
    return found


def _mean_cosine(features: Tensor, learned: LearnedCodes) -> float:
    if not features.numel():
        return 1.0
    codes = np.empty(features.shape, np.int8)
    learned.decode(learned.encode(features).numpy(), codes)
    cosines = (learned.rotate(features) * as_features(torch.from_numpy(codes))).sum(dim=1, dtype=torch.float64)
    return float(cosines.mean())
