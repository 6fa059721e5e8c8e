"""From the bytes of a picture to the network's input, on a few threads of its own."""

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
    """Decodes one picture, as a map's builder does.

    Returns:
        ``(3, H, W)`` float32 on the CPU.

    Raises:
        ImageError: The picture cannot be used; its class says why.
    """
    return preprocess(open_for(preparation, source, limits), preparation)


def read_photo(
    source: Path | bytes, limits: ImageLimits, preparation: Preparation, asked: Asked
) -> tuple[Tensor, QueryOptions]:
    """Decode a photo, and find out what is asked of it.

    Returns:
        As ``decode_query``, and the options with the photo's prior.

    Raises:
        ImageError: The photo cannot be used, or does not say where it was taken and should.
    """
    options = asked.options_for(source)
    return decode_query(source, limits, preparation), options


class _Job:
    """A call that waits for a thread.

    Attributes:
        function: What is to be called; None once nobody waits for it, so that its picture is not kept.
        future: The outcome to come.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function: Callable[[], Any] | None = function
        self.future: Future[Any] = Future()

    def run(self) -> None:
        """Call the function; an outcome that comes too late is ignored."""
        if (function := self.function) is None or self.future.done():
            return
        with suppress(InvalidStateError):
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to one picture
                self.future.set_exception(error)
            else:
                self.future.set_result(result)
            finally:
                del self  # the frame, which the error keeps, would keep the error


class DecodePool:
    """Threads that decode beside the event loop; so many pictures at a time as there are threads.

    How many may wait is bounded by the places of the queue, which are taken first. The threads do not keep the process
    alive: one whose picture never comes to an end is left behind.
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
        """Fail all that has not come to its end with NotReady, and end each thread once it has nothing to do."""
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
