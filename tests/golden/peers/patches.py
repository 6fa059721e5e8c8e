"""Compare Patch-NetVLAD's features, scores and orders with the recorded numbers."""

from collections.abc import Iterator

import numpy as np
import torch

from model.descriptors.patchnetvlad import PatchNetVLAD
from model.rerankers.patch_netvlad import PatchGrid, PatchRansacReranker, PatchReranker, RapidSpatialReranker
from model.rerankers.reranker import LocalFeatures
from tests.golden.peers.networks import Difference, Size
from tests.golden.peers.recordings import Recording, cut, read_arrays

_PATCHES = {2: 1e-5, 5: 2e-6, 8: 2e-6}  # the sums of the reference are less exact for small patches
_SCORES = {"AB": 0.005, "C": 0.03}  # relative: two patches may be equally near
_COUNTS = 0.25  # a fifth less than the smaller of two counts, or a quarter more than the larger one


def grids_of(sides: tuple[int, ...], size: Size) -> list[PatchGrid]:
    """Return the grids of patches of pictures of a size."""
    return [PatchGrid(side, size[0] // 16 - side + 1, size[1] // 16 - side + 1) for side in sides]


def patch_differences(recording: Recording, network: PatchNetVLAD, sizes: tuple[Size, ...]) -> Iterator[Difference]:
    """Compare a network with its recording at some sizes; an order counts as 1 if it is another one."""
    for size in sizes:
        images, name = torch.from_numpy(recording.images(size)), "{}x{}".format(*size)
        with torch.inference_mode():
            found = [network(image[None]) for image in images]
        described = torch.cat([each.global_features for each in found])
        patches = torch.cat([each.local_features for each in found])
        largest = recording.difference(f"global_{name}", described.numpy())
        yield Difference("descriptor", size, largest, recording.tolerance(f"global_{name}"))
        start, grids = 0, grids_of(network.patch_sizes, size)
        for grid in grids:
            of_size = patches[:, start : start + grid.rows * grid.columns].transpose(1, 2).contiguous().numpy()
            start += grid.rows * grid.columns
            largest = float(
                np.abs(recording.arrays[f"patch{grid.side}_{name}"].astype(np.float64) - cut(of_size)).max()
            )
            yield Difference(f"patches of {grid.side} cells", size, largest, _PATCHES[grid.side])
        query, candidates = LocalFeatures(patches[0]), LocalFeatures(patches[1:])
        spatial = RapidSpatialReranker("", "exact", network.patch_sizes, network.patch_grid(size))
        parts = spatial.compare(query, candidates).numpy()
        recorded = -recording.arrays[f"scores_spatialApproximator_{name}"].reshape(parts.shape)
        off = np.abs(parts / recorded - 1).max(axis=1)
        yield Difference("spatial scores, the same place, relative", size, float(off[:2].max()), _SCORES["AB"])
        yield Difference("spatial scores, another place, relative", size, float(off[2]), _SCORES["C"])
        yield Difference("inliers on recorded matches", size, _worst_count(recording.method, grids, name), _COUNTS)
        kind: type[PatchReranker] = RapidSpatialReranker if len(grids) == 1 else PatchRansacReranker
        own = kind("", "exact", network.patch_sizes, network.patch_grid(size))
        order = np.argsort(-own.scores(own.compare(query, candidates).numpy()), kind="stable").tolist()
        yield Difference("order", size, float(order != recording.arrays[f"rerank_order_{name}"].tolist()), 0.0)


def _worst_count(method: str, grids: list[PatchGrid], name: str) -> float:
    """Return how far counts of inliers on the recorded matches are from those of two versions of OpenCV, relative."""
    recorded, worst = read_arrays(method), 0.0
    for column, grid in enumerate(grids):
        for row, pair in enumerate("ABCD"):
            db, query = recorded[f"mutual_patch{grid.side}_Qvs{pair}_{name}"].astype(np.int64)
            count = PatchRansacReranker.score_matches(grid, query, db)
            both = [
                -recorded[f"{version}scores_RANSAC_{name}"].reshape(4, -1)[row, column] * grid.rows * grid.columns
                for version in ("", "opencv4.11_")
            ]
            worst = max(worst, min(both) / count - 1, count / max(both) - 1)
    return float(worst)
