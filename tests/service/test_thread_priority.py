"""Decoding and computing let the event loop go first, and get along where they may not."""

import errno
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog

from service.thread_priority import lower_priority


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux a thread has a priority of its own")
def test_a_thread_of_lower_priority_leaves_the_others_where_they_are() -> None:
    before = niceness()
    with ThreadPoolExecutor(1, initializer=lower_priority) as behind, ThreadPoolExecutor(1) as beside:
        assert behind.submit(niceness).result() == min(19, before + 5)
        assert beside.submit(niceness).result() == before
    assert niceness() == before


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux a thread has a priority of its own")
def test_where_it_is_not_allowed_the_log_says_so_and_all_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "setpriority", refuse)
    with structlog.testing.capture_logs() as lines:
        lower_priority()
    [line] = lines
    assert (line["event"], line["reason"]) == ("threads keep their priority", "Operation not permitted")
