"""Child processes that begin within milliseconds: they come from a server that has imported nearly everything."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import TracebackType

from placefix.__main__ import main

REPOSITORY = Path(__file__).parents[1]


def child_context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(
        ["pytest", "index_builder.map_builder", *(f"placefix.commands.{name}" for name in ("build", "serve", "train"))]
    )
    return context


class Program:
    """Run ``placefix`` in a process of its own, and leave none behind at the end of the block.

    Args:
        arguments: Behind ``placefix``.
        output: A file that gets all that is printed, behind its content.
        environment: Variables that are set beside those of the tests.
        prepare: A function that is called in the process before the program begins.
    """

    def __init__(
        self,
        *arguments: object,
        output: Path,
        environment: Mapping[str, str] | None = None,
        prepare: Callable[[], object] | None = None,
    ) -> None:
        given = (output, [str(each) for each in arguments], dict(environment or {}), prepare)
        self._process = child_context().Process(target=_run, args=given)
        self._process.start()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.join()

    def poll(self) -> int | None:
        """Return the exit code, minus the number of the signal that ended the process, or None if it runs."""
        return self._process.exitcode

    def wait(self, timeout_s: float) -> int | None:
        """Return the same at the end of the process, or when the time is over."""
        self._process.join(timeout_s)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)


def _run(output: Path, arguments: list[str], environment: dict[str, str], prepare: Callable[[], object] | None) -> None:
    with output.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(environment)
    os.chdir(REPOSITORY)
    sys.argv = ["placefix", *arguments]
    if prepare is not None:
        prepare()
    main()
