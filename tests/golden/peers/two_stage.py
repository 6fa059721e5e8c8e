"""Compare the results of TransVPR and R2Former for a picture and a pair with the recorded numbers."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.descriptors.network import DescriptorNetwork
from model.descriptors.r2former import R2Former
from model.descriptors.transvpr import TransVPR
from model.encoder import Encoder
from model.rerankers.registry import make_reranker
from model.rerankers.reranker import LocalFeatures, RerankSettings
from tests.golden.peers.networks import Difference, Size
from tests.golden.peers.recordings import Recording, cut

_TOLERANCES = {
    "tokens_all_layers": 1e-5,
    "local": 1e-5,
    "mask": 2e-5,
    "attention_maps_Q": 2e-5,
    "patches": 5e-5,
    "pair_logits": 1e-4,
    "pair_logits_swapped": 1e-4,
}
"""How far an output may be from the recorded one, but for the descriptors ``global``."""

_RECORDED_AS = {"patches": "local"}
_SWAPPED = 0.01
"""The share of rows of R2Former that may lie elsewhere: patches with nearly equal attention can change places."""


def two_stage_differences(
    recording: Recording, network: DescriptorNetwork, sizes: tuple[Size, ...]
) -> Iterator[Difference]:
    """Compare a network with its recording at some sizes of pictures."""
    for size in sizes:
        images = torch.from_numpy(recording.images(size))
        with torch.inference_mode():
            outputs = _of_transvpr(network, images) if isinstance(network, TransVPR) else _of_r2former(network, images)
        for output, values in outputs.items():
            name = f"{_RECORDED_AS.get(output, output)}_{size[0]}x{size[1]}"
            away = np.abs(recording.arrays[name].astype(np.float64) - _cut(values))
            largest = float(np.quantile(away, 1 - _SWAPPED) if output == "patches" else away.max())
            yield Difference(output, size, largest, _TOLERANCES.get(output, recording.tolerance(name)))


def rerank_differences(
    recording: Recording, network: DescriptorNetwork, sizes: tuple[Size, ...]
) -> Iterator[Difference]:
    """Compare the scores and the order of the four candidates, by the re-ranker of a map that stores floats.

    Counts of inliers of two versions of OpenCV differ, so the recorded ones are the smaller and the larger of both, and
    a count may be a fifth less or more. An order counts as 1 if it is another one.
    """
    for size in sizes:
        encoder = Encoder(network, preparation=network.preparation(size=size))
        features = encoder.encode(torch.from_numpy(recording.images(size)))
        assert features.local_extras is not None
        query = LocalFeatures(features.local_features[0], features.local_extras[0])
        candidates = LocalFeatures(features.local_features[1:], features.local_extras[1:])
        reranker = make_reranker(network.reranker, encoder, RerankSettings())
        scores = reranker.scores(reranker.compare(query, candidates).numpy())
        name = f"{size[0]}x{size[1]}"
        if reranker.counts_pairs:
            both = [recording.arrays[f"{version}score_thr0.02_{name}"] for version in ("", "opencv4.11_")]
            least, most = np.minimum(*both), np.maximum(*both)
            yield Difference("inliers", size, float(np.maximum(least / scores, scores / most).max() - 1), 0.25)
        else:
            away = np.abs(scores - recording.arrays[f"pair_probability_{name}"])
            yield Difference("probabilities", size, float(away.max()), 1e-6)
        order = np.argsort(-scores, kind="stable").tolist()
        yield Difference("order", size, float(order != recording.arrays[f"rerank_order_{name}"].tolist()), 0.0)


def _cut(values: Tensor) -> NDArray[np.float32]:
    return cut(values.contiguous().numpy())


def _of_transvpr(network: TransVPR, images: Tensor) -> Mapping[str, Tensor]:
    transformer, layers = network.backbone.transformer, list[Tensor]()
    hooks = [
        block.register_forward_hook(lambda _module, _inputs, output: layers.append(output))
        for block in transformer.blocks
    ]
    seen = network.backbone(images)
    for hook in hooks:
        hook.remove()
    local, mask = network.cells(seen)
    return {
        "global": network.aggregate(seen),
        "tokens_all_layers": torch.stack([transformer.norm(tokens) for tokens in layers], dim=1),
        "attention_maps_Q": network.attend(seen)[0],
        "local": local,
        "mask": mask,
    }


def _of_r2former(network: DescriptorNetwork, images: Tensor) -> Mapping[str, Tensor]:
    assert isinstance(network, R2Former)
    assert network.pairs is not None
    seen = network.backbone(images)
    patches = network.patches(seen)
    queries, candidates = patches[:1].expand(len(images) - 1, -1, -1), patches[1:]
    return {
        "global": network.aggregate(seen),
        "patches": patches,
        "pair_logits": network.pairs(queries, candidates),
        "pair_logits_swapped": network.pairs(candidates, queries),
    }
