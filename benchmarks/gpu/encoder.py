"""The encoder on the device, as a CUDA graph on a GPU, against the plain network in float32 on the CPU."""

from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from benchmarks.encoding.floor import operations, synchronize
from benchmarks.encoding.networks import shipped_pictures
from benchmarks.encoding.speed import Form, forms_of, peaks_of, time_forms
from benchmarks.gpu.networks import network_named
from benchmarks.gpu.outcome import Outcome, relative_error
from benchmarks.gpu.setting import Setting
from model.device import choose_device
from model.features import Features
from model.frozen.cuda_graph import CudaGraph
from model.frozen.network import FrozenSelaVPR
from model.frozen.target import Target
from model.network_precision import NetworkPrecision, has_native_bfloat16
from model.selavpr.selavpr import SelaVPR

ALLOWED: dict[NetworkPrecision, float] = {"float32": 1e-4, "bfloat16": 3e-2, "int8": 5e-2}
"""The allowed relative error of features; the error of TF32 exceeds the limit for float32.

A relative error of 5e-2 is a cosine of 0.9987.
"""

_COMPARED = 5  # number of pictures: one more than in a pass on a GPU
_PLAIN_ALLOWED = 5e-3  # torch may choose other kernels for the plain network than for the encoder


def measure_encoder(setting: Setting, _deadline_s: float) -> Outcome:
    """Compare and time each network in each form, and passes of several sizes."""
    device = choose_device(setting.device).device
    outcome = Outcome()
    for name in setting.networks:
        network = network_named(name)
        pictures = shipped_pictures(max(*setting.batches, _COMPARED))
        with torch.inference_mode():
            expected: Features = network(pictures[:_COMPARED])
        forms = forms_of(network, device)
        for form in forms:
            _compare(outcome, name, form, pictures[:_COMPARED], expected, is_plain=form is forms[0])
        work, peaks = operations(network.config), peaks_of(forms, device)
        timed = [time_forms(forms, work, peaks, pictures[:size], device, setting.repeats) for size in setting.batches]
        outcome.figures[name] = {
            "forms": [timing.to_json(timings[0]) for timings in timed for timing in timings],
            "passes": _passes(outcome, name, network, setting, device, expected),
        }
    return outcome


def _compare(outcome: Outcome, name: str, form: Form, pictures: Tensor, expected: Features, *, is_plain: bool) -> None:
    together = form.encode(pictures)
    allowed = _PLAIN_ALLOWED if is_plain else ALLOWED[form.precision]
    label = f"{name}, {form.name}"
    _check_features(outcome, label, together, expected, allowed)
    if is_plain:
        return
    alone = [form.encode(picture[None]) for picture in pictures]
    differing = sum(
        not (
            torch.equal(each.global_features[0], together.global_features[number])
            and torch.equal(each.local_features[0], together.local_features[number])
        )
        for number, each in enumerate(alone)
    )
    outcome.check(f"{label}: pictures whose features depend on others in the batch", differing, 0)


def _check_features(outcome: Outcome, label: str, found: Features, expected: Features, allowed: float) -> None:
    for kind in ("global", "local"):
        error = relative_error(getattr(found, f"{kind}_features"), getattr(expected, f"{kind}_features"))
        outcome.check(
            f"{label}: relative error of {kind} features, against the plain network on the CPU", error, allowed
        )


def _passes(
    outcome: Outcome, name: str, network: SelaVPR, setting: Setting, device: torch.device, expected: Features
) -> list[dict[str, Any]]:
    """Time forward passes of several sizes, to choose the size for the encoder."""
    side = network.config.patch_size
    picture_size = shipped_pictures(1).shape[2:]
    grid = (picture_size[0] // side, picture_size[1] // side)
    precisions: list[NetworkPrecision] = ["float32"]
    if has_native_bfloat16(device):
        precisions.append("bfloat16")
    rows = []
    for precision in precisions:
        for size in setting.pass_sizes:
            frozen = FrozenSelaVPR(network, grid, Target(device, precision), size)
            forward = CudaGraph(frozen, (size, 3, *SelaVPR.needs.size), device) if device.type == "cuda" else frozen
            pictures = shipped_pictures(size).to(device)
            seconds = []
            with torch.inference_mode():
                for _ in range(setting.repeats + 1):  # the first warms up
                    synchronize(device)
                    start_s = perf_counter()
                    found = forward(pictures)
                    synchronize(device)
                    seconds.append(perf_counter() - start_s)
            known = min(size, _COMPARED)
            label = f"{name}, {precision}, a pass of {size}"
            _check_features(outcome, label, found[:known], expected[:known], ALLOWED[precision])
            rows.append({"precision": precision, "pictures": size, "seconds": median(seconds[1:])})
    return rows
