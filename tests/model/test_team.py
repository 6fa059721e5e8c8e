"""Work is shared by torch's threads."""

import gc
import sys
import threading
import weakref
from functools import partial

import pytest
import torch

from model import team
from model.team import call_in_team
from tests.model.threads import threads

has_team = pytest.mark.skipif(team._start() is None, reason="torch has no GNU OpenMP here")


@has_team
@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_thread_calls_once(count: int) -> None:
    together = threading.Barrier(count, timeout=60)  # nobody leaves before all are there
    seen = []

    def work() -> None:
        together.wait()
        seen.append(threading.get_ident())

    with threads(count):
        call_in_team(work)
    assert len(set(seen)) == len(seen) == count
    assert threading.get_ident() in seen


def test_without_a_team_the_caller_works_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "_start", lambda: None)
    seen = []
    with threads(3):
        call_in_team(lambda: seen.append(threading.get_ident()))
    assert seen == [threading.get_ident()]


@pytest.mark.parametrize("count", [1, 3])
def test_an_error_of_any_thread_is_raised(count: int) -> None:
    class Broken(Exception):
        pass

    items = iter(range(3))

    def work() -> None:
        for item in items:
            if item == 1:
                raise Broken

    with threads(count), pytest.raises(Broken):
        call_in_team(work)


@has_team
def test_callers_in_several_threads_do_not_disturb_each_other() -> None:
    totals = [0] * 4

    def ask(number: int) -> None:
        torch.set_num_threads(2)
        items = iter(range(1000))
        lock = threading.Lock()

        def work() -> None:
            for _ in items:
                with lock:
                    totals[number] += 1

        call_in_team(work)

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for each in askers:
        each.start()
    for each in askers:
        each.join()
    assert totals == [1000] * 4


def test_nothing_is_kept_after_the_call() -> None:
    class Kept:
        pass

    kept = Kept()
    watched = weakref.ref(kept)
    gc.disable()  # a circle of references would wait for a collection
    try:
        with threads(2):
            call_in_team(partial(setattr, kept, "name", 1))
        del kept
        assert watched() is None
    finally:
        gc.enable()


def test_other_systems_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert team._start.__wrapped__() is None
