"""The learning of codebooks from local features of a sample of a map's pictures.

Features are turned to their principal axes, the axes are dealt out to the bytes so that each has about as much to say
(Ge, He, Ke and Sun, Optimized Product Quantization, CVPR 2013, the parametric solution), and the entries of each byte
are found by k-means.

The same features give the same codebook on the same machine with the same versions and number of threads.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.codes import as_features
from model.errors import InvalidInput
from place_map.faiss_library import load_faiss
from place_map.learned_codes import ENTRIES, LARGEST_CODE, LearnedBits, LearnedCodes

MOST_CHANNELS = 512
"""The most channels C: a manifest keeps C × C numbers, 1 MB here."""

_SEED = 0
_KMEANS_ITERATIONS = 25
_LEAST_VARIANCE = 1e-9  # smaller ones are rounding errors of features of length 1


def learn_codes(features: Tensor, bits: LearnedBits) -> LearnedCodes:
    """Learn the codebook of a map.

    Args:
        features: ``(n, C)`` float32 of length 1, on the CPU. If there are none, nobody will ask for their codes, and
            the codebook is an arbitrary one.
        bits: The bits of a number, 1 or 2: eight or four channels share a byte.

    Raises:
        InvalidInput: The features have too many channels.
    """
    count, channels = features.shape
    check_channels(channels)
    if not count:
        features = torch.eye(channels)
    rotation, entries = _learn_product(features, 8 // bits)
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


def _mean_cosine(features: Tensor, learned: LearnedCodes) -> float:
    if not features.numel():
        return 1.0
    codes = np.empty(features.shape, np.int8)
    learned.decode(learned.encode(features).numpy(), codes)
    cosines = (learned.rotate(features) * as_features(torch.from_numpy(codes))).sum(dim=1, dtype=torch.float64)
    return float(cosines.mean())
