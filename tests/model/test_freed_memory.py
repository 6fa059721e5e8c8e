"""A process that encodes keeps the memory that steps of the network free."""

import resource

import pytest
import torch

from model.freed_memory import keep_freed_memory

STEPS, VALUES = 20, 1_500_000  # 6 MB, an activation of the starter
PAGES = VALUES * 4 // resource.getpagesize()


def test_freed_memory_is_used_again_without_page_faults() -> None:
    if not keep_freed_memory():
        pytest.skip("the C library has no mallopt")
    faults = []
    for _ in range(STEPS):
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        torch.ones(VALUES)
        torch.ones(VALUES // 2)
        faults.append(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)
    assert sum(faults[2:]) < PAGES  # twice as many where the system gets the memory back
