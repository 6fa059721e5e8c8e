"""Threads that keep to one core, without lasting effects."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from model.decoding_threads import decoding_threads


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_decoders_use_one_thread_and_everybody_else_as_many_as_before() -> None:
    with decoding_threads(3) as decoders:
        assert [decoders.submit(torch.get_num_threads).result() for _ in range(3)] == [1, 1, 1]
        assert torch.get_num_threads() == 2
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 2


def test_everything_is_as_before_after_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), decoding_threads(1) as decoders:
        decoders.submit(lambda: 1 / 0).result()
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 2
