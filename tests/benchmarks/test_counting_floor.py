"""The floors of counting, by hand; and rates that a processor can have."""

import pytest
import torch

from benchmarks.counting_floor import Rates, Work
from benchmarks.match import PLAIN, ways_with, works_of
from model.network_precision import has_native_bfloat16

CPU = torch.device("cpu")


def test_floors_by_hand() -> None:
    rates = Rates(memory_bytes_per_s=10.0, peak_operations_per_s={"float32": 36.0})
    # 2 candidates of 3 cells of 4 channels: 18 scores, each with 4 products and 4 sums.
    work = Work.of(2, 3, 4, torch.float32, "float32")
    assert work == Work(candidate_bytes=96, operations=144, number="float32")
    floors = work.to_json(rates)
    assert floors["bytes_floor_s"] == pytest.approx(9.6)
    assert floors["operations_floor_s"] == pytest.approx(4)
    assert Work.of(2, 3, 4, torch.int8, "int16").to_json(rates)["operations_floor_s"] is None  # it has no bfloat16


def test_the_better_of_two_measurements_counts() -> None:
    one, other = Rates(3.0, {"float32": 1.0, "bfloat16": 5.0}), Rates(2.0, {"float32": 4.0, "bfloat16": 1.0})
    assert one.best(other) == other.best(one) == Rates(3.0, {"float32": 4.0, "bfloat16": 5.0})


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        ("amx-int8", "bfloat16"),
        ("avx-512-int16", "bfloat16"),
        ("torch-float32", "float32"),
        ("triton-float16", "bfloat16"),
    ],
)
def test_every_way_has_its_work(matcher: str, expected: str) -> None:
    works = works_of(100, matcher)
    assert list(works) == list(ways_with(matcher))
    assert ("fast, int8 candidates, without AMX" in works) == (matcher == "amx-int8")
    assert works[PLAIN] == Work(190_515_200, 354_453_529_600, "float32")
    fast = works["fast, int8 candidates"]
    assert (fast.number, fast.operations) == (expected, works[PLAIN].operations)
    assert fast.candidate_bytes == 47_628_800


def test_rates_of_this_processor() -> None:
    rates = Rates.measured(CPU)
    assert 1e8 < rates.memory_bytes_per_s < 1e13
    numbers = {"float32", *(["bfloat16"] if has_native_bfloat16(CPU) else [])}
    assert set(rates.peak_operations_per_s) == numbers
    assert all(1e8 < peak < 1e15 for peak in rates.peak_operations_per_s.values())
