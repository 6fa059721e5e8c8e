"""Faulty parts of a run, in their own module because the run's processes import it."""

import os
import time

import pytest
import torch
from torch import Tensor

from benchmarks.encoding import speed
from benchmarks.gpu import counting, encoder
from benchmarks.gpu.outcome import Check, Lacking, Outcome
from benchmarks.gpu.setting import Setting
from benchmarks.match import count_all_at_once
from model.encoder import Encoder
from model.features import Features


class WrongEncoder(Encoder):
    """Change the scale of features by a thousandth, and let them depend on the batch."""

    def encode(self, images: Tensor) -> Features:
        features = super().encode(images)
        factor = 1.001 + 1e-6 * len(images)
        return Features(features.global_features * factor, features.local_features * factor, features.local_grid)


def wrong_encoder(setting: Setting, deadline_s: float) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "Encoder", WrongEncoder)
        return encoder.measure_encoder(setting, deadline_s)


def wrong_count(setting: Setting, deadline_s: float) -> Outcome:
    def count(query: Tensor, candidates: Tensor, *, precision: str = "exact", floor: float | None = None) -> Tensor:
        return count_all_at_once(query, candidates.float(), floor) + (precision == "fast")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "count_mutual_matches", count)
        return counting.measure_counting(setting, deadline_s)


def dying(_setting: Setting, _deadline_s: float) -> Outcome:
    os._exit(3)


def hanging(_setting: Setting, _deadline_s: float) -> Outcome:
    time.sleep(600)
    return Outcome()


def raising(_setting: Setting, _deadline_s: float) -> Outcome:
    raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


def lacking(_setting: Setting, _deadline_s: float) -> Outcome:
    raise Lacking("no faiss")


def fine(_setting: Setting, _deadline_s: float) -> Outcome:
    return Outcome({"process": os.getpid()}, [Check("nothing", 0, 0)])
