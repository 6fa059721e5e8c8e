"""From the bytes of a picture to the network's input, on a few threads of its own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from torch import Tensor

from model.decoding_threads import keep_to_one_core
from model.images import ImageLimits
from model.preprocess import Preprocessing, open_for, preprocess
from service.thread_priority import step_back


def decode_query(source: Path | bytes, limits: ImageLimits, preprocessing: Preprocessing) -> Tensor:
    """Decodes one picture, as a map's builder does.

    Returns:
        ``(3, 224, 224)`` float32 on the CPU.

    Raises:
        ImageError: The picture cannot be used; its class says why.
    """
    return preprocess(open_for(preprocessing, source, limits), preprocessing)


class DecodePool:
    """Decodes beside the event loop; so many pictures at a time as there are threads.

    How many may wait is bounded by the number of requests in flight.
    """

    def __init__(self, threads: int, limits: ImageLimits) -> None:
        self._executor = ThreadPoolExecutor(threads, "placefix-decode", initializer=_prepare_thread)
        self._limits = limits

    async def decode(self, data: bytes, preprocessing: Preprocessing) -> Tensor:
        """Decodes one picture; see ``decode_query``."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, decode_query, data, self._limits, preprocessing)

    def close(self) -> None:
        """Ends the threads; what has not begun is not begun any more."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _prepare_thread() -> None:
    step_back()
    keep_to_one_core()
