"""Name the stages of a query, and measure how long each takes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from types import MappingProxyType


class Stage(StrEnum):
    """Name the stages of a query, in their order.

    Attributes:
        DECODE: The decoding, from bytes to the network's input.
        QUEUE: The wait for the device: before encoding, and for the other pictures of the same batch after it.
        ENCODE: The network, for the whole batch that the picture was part of.
        SHORTLIST: The search for the nearest neighbours of the global feature.
        GATHER: The reading of the shortlist's local features, from the map to the device.
        RERANK: The mutual matches with each picture of the shortlist.
        EVIDENCE: The reason that is shown for the answer, if it was asked for.
    """

    DECODE = "decode"
    QUEUE = "queue"
    ENCODE = "encode"
    SHORTLIST = "shortlist"
    GATHER = "gather"
    RERANK = "rerank"
    EVIDENCE = "evidence"


class StageClock:
    """Add up the seconds of each stage of one query."""

    def __init__(self) -> None:
        self._seconds: dict[Stage, float] = {}

    @contextmanager
    def measure(self, stage: Stage) -> Iterator[None]:
        """Measure the block that it surrounds; several blocks of one stage add up."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - start)

    def add(self, stage: Stage, duration_s: float) -> None:
        """Add a duration that was measured elsewhere."""
        self._seconds[stage] = self._seconds.get(stage, 0.0) + duration_s

    @property
    def seconds(self) -> Mapping[Stage, float]:
        """Return the seconds of each stage that ran; a stage that did not run is absent."""
        return MappingProxyType(dict(self._seconds))
