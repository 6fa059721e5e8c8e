"""The plain forward pass against the encoder, in turn, on the same pictures."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks.encoding.floor import peak_operations_per_s, synchronize
from model.encoder import Encoder
from model.features import Features
from model.network_precision import NetworkPrecision, can_pack, has_native_bfloat16
from model.selavpr.selavpr import SelaVPR

PLAIN = "plain float32"


@dataclass(frozen=True)
class Form:
    """Describe a way to encode.

    Attributes:
        name: The name for people.
        precision: The precision of its products.
        encode: ``(B, 3, 224, 224)`` → features.
    """

    name: str
    precision: NetworkPrecision
    encode: Callable[[Tensor], Features]


@dataclass(frozen=True)
class Timing:
    """Hold the times of one form with batches of one size.

    Attributes:
        form: The name of the form.
        batch: The number of pictures in a batch.
        seconds: The seconds of each repeat.
        floor_s: Operations over the peak of the same run.
        cosine: The least cosine between a global feature and its plain form.
        local_cosine: The mean cosine between the local features and their plain form; 1 if there are none.
    """

    form: str
    batch: int
    seconds: tuple[float, ...]
    floor_s: float
    cosine: float
    local_cosine: float

    @property
    def median_s(self) -> float:
        """Return the median seconds of a batch."""
        return median(self.seconds)

    def to_json(self, plain: "Timing") -> dict[str, Any]:
        """Return all values, and the ratio to the plain form."""
        return {
            **asdict(self),
            "median_s": self.median_s,
            "pictures_per_s": self.batch / self.median_s,
            "ratio": plain.median_s / self.median_s,
        }


def forms_of(network: SelaVPR, device: torch.device) -> list[Form]:
    """Return the plain network, and an encoder for each precision of the device."""
    network = network.to(device)
    precisions: list[NetworkPrecision] = ["float32"]
    if has_native_bfloat16(device):
        precisions.append("bfloat16")
    if can_pack(device):
        precisions.append("int8")
    encoders = [Encoder(network, device, precision=precision) for precision in precisions]
    return [
        Form(PLAIN, "float32", lambda images: _plain(network, images.to(device))),
        *(Form(encoder.precision, encoder.precision, encoder.encode) for encoder in encoders),
    ]


def peaks_of(forms: Sequence[Form], device: torch.device) -> dict[NetworkPrecision, float]:
    """Measure the greatest number of operations per second of the device, in the precision of each form."""
    return {precision: peak_operations_per_s(precision, device) for precision in {form.precision for form in forms}}


def time_forms(
    forms: Sequence[Form],
    picture_operations: int,
    peaks: Mapping[NetworkPrecision, float],
    images: Tensor,
    device: torch.device,
    repeats: int,
) -> list[Timing]:
    """Time all forms, one after the other in each repeat, so that a drifting speed of the machine affects all equally.

    Args:
        forms: The forms of one network, the plain one first.
        picture_operations: The operations of a forward pass of one picture.
        peaks: The greatest numbers of operations per second, measured in the same run.
        images: One batch ``(B, 3, 224, 224)``.
        device: The device.
        repeats: The number of measured repeats, after one to warm up.

    Returns:
        The timings, the plain form first.
    """
    seconds: dict[str, list[float]] = {form.name: [] for form in forms}
    features: dict[str, Features] = {}
    for _ in range(repeats + 1):
        for form in forms:
            synchronize(device)
            start = time.perf_counter()
            features[form.name] = form.encode(images)
            synchronize(device)
            seconds[form.name].append(time.perf_counter() - start)
    work = picture_operations * len(images)
    return [
        Timing(
            form=form.name,
            batch=len(images),
            seconds=tuple(seconds[form.name][1:]),
            floor_s=work / peaks[form.precision],
            cosine=float(_cosines(features[form.name].global_features, features[PLAIN].global_features).min()),
            local_cosine=_mean_cosine(features[form.name].local_features, features[PLAIN].local_features),
        )
        for form in forms
    ]


@torch.inference_mode()
def _plain(network: SelaVPR, images: Tensor) -> Features:
    features: Features = network(images)
    return features


def _mean_cosine(some: Tensor, others: Tensor) -> float:
    return float(_cosines(some, others).mean()) if some.numel() else 1.0


def _cosines(some: Tensor, others: Tensor) -> Tensor:
    return torch.nn.functional.cosine_similarity(some.double(), others.double(), dim=-1)
