"""Decode the bytes of a picture to the network's input, on a few threads."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from model.decoding_threads import keep_to_one_core
from model.images import ImageLimits
from model.preprocess import Preparation, open_for, preprocess
from service.asked import Asked
from service.errors import DecoderStuck, NotReady
from service.query_options import QueryOptions
from service.thread_priority import lower_priority
from service.watchdog import Watchdog

Done = TypeVar("Done")


def decode_query(source: Path | bytes, limits: ImageLimits, preparation: Preparation) -> Tensor:
    """Decode one picture, as a map's builder does.

    Returns:
        The picture, ``(3, H, W)`` float32 on the CPU.

    Raises:
        ImageError: The picture cannot be used; its class says why.
    """
    return preprocess(open_for(preparation, source, limits), preparation)


def read_photo(
    source: Path | bytes, limits: ImageLimits, preparation: Preparation, asked: Asked
) -> tuple[Tensor, QueryOptions]:
    """Decode a photo, and read its options.

    Returns:
        The picture as from ``decode_query``, and the options with the photo's prior.

    Raises:
        ImageError: The photo cannot be used, or the request needs its position and it states none.
    """
    options = asked.options_for(source)
    return decode_query(source, limits, preparation), options


class _Job:
    """Hold a call that waits for a thread.

    Attributes:
        function: The function to call; None once nobody waits for it, so that its picture is not kept.
        future: The future outcome.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function: Callable[[], Any] | None = function
        self.future: Future[Any] = Future()

    def run(self) -> None:
        """Call the function; ignore an outcome that comes too late."""
        if (function := self.function) is None or self.future.done():
            return
        with suppress(InvalidStateError):
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - any error belongs to one picture
                self.future.set_exception(error)
            else:
                self.future.set_result(result)
            finally:
                del self  # the frame, which the error keeps, would keep the error


class DecodePool:
    """Decode pictures on threads beside the event loop, one at a time on each thread.

    The places of the queue, which are taken first, bound how many may wait. The threads do not keep the process alive:
    a thread whose picture never ends is left behind.
    """

    def __init__(self, threads: int, limits: ImageLimits, watchdog: Watchdog) -> None:
        self._limits = limits
        self._watchdog = watchdog
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._unfinished: set[Future[Any]] = set()
        self._why_closed: str | None = None
        names = [f"placefix-decode-{number}" for number in range(threads)]
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for name in names]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    async def decode(self, data: bytes, preparation: Preparation, asked: Asked) -> tuple[Tensor, QueryOptions]:
        """Decode one photo; see ``read_photo``.

        Raises:
            NotReady: The pool has been closed.
        """
        return await self.call(partial(read_photo, data, self._limits, preparation, asked))

    async def call(self, function: Callable[[], Done]) -> Done:
        """Return the outcome of a function that one of the threads calls."""
        if self._why_closed is not None:
            raise NotReady(self._why_closed)
        job = _Job(function)
        self._unfinished.add(job.future)
        job.future.add_done_callback(self._unfinished.discard)
        self._jobs.put(job)
        try:
            result: Done = await asyncio.wrap_future(job.future)
        finally:
            job.function = None
            del job  # as above
        return result

    def close(self, why: str) -> None:
        """Fail all unfinished calls with NotReady, and end each thread once it has nothing to do."""
        self._why_closed = why
        for future in self._unfinished.copy():
            with suppress(InvalidStateError):
                future.set_exception(NotReady(why))
        for _ in self._threads:
            self._jobs.put(None)

    def _run(self) -> None:
        lower_priority()
        keep_to_one_core()
        while (job := self._jobs.get()) is not None:
            with self._watchdog.watching(DecoderStuck, "the decoder of a picture"):
                job.run()
            del job  # an idle thread keeps no picture
