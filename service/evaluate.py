"""Measure recall and seconds of the same localizer that is served.

Every query takes the way of a request: it is decoded, encoded, shortlisted and re-ranked. Only the queue is missing.
"""

import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.decoding_threads import decoding_threads, default_decoders
from model.errors import InvalidInput
from model.images import DEFAULT_LIMITS, ImageLimits
from model.places import Place
from model.preprocess import Preparation
from model.progress import SILENT, Progress
from model.recall import DEFAULT_RECALL_VALUES, Recalls, recalls
from service.decoding import decode_query
from service.encoded_query import encode_queries
from service.localization import Candidate, Verdict
from service.localizer import Localizer
from service.query_options import MAX_SHORTLIST, QueryOptions
from service.stages import Stage, StageClock
from service.words import Rerank

_BATCHES_AHEAD = 2


@dataclass(frozen=True)
class EvaluationOptions:
    """Say how queries are asked.

    Attributes:
        rerank: The number of candidates that are re-ranked; 0 for none.
        is_auto: Whether re-ranking ends once the calibration of the map is sure.
        recall_values: The values of N in recall@N.
        batch_size: The number of queries in one forward pass.
        limits: The limits of a picture.

    Raises:
        InvalidInput: A number is out of its range, or recall is asked for beyond the candidates.
    """

    rerank: int = 100
    recall_values: tuple[int, ...] = DEFAULT_RECALL_VALUES
    batch_size: int = 16
    limits: ImageLimits = DEFAULT_LIMITS
    is_auto: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.rerank <= MAX_SHORTLIST:
            raise InvalidInput(f"between 0 and {MAX_SHORTLIST} candidates can be re-ranked, not {self.rerank}")
        if not self.recall_values or not 1 <= min(self.recall_values) <= max(self.recall_values) <= MAX_SHORTLIST:
            raise InvalidInput(f"recall is computed at numbers from 1 to {MAX_SHORTLIST}, not at {self.recall_values}")
        if 0 < self.rerank < max(self.recall_values):
            raise InvalidInput(
                f"recall@{max(self.recall_values)} needs as many candidates, and only {self.rerank} are re-ranked: "
                "re-rank more, or leave that value out"
            )
        if self.batch_size < 1:
            raise InvalidInput(f"a batch of {self.batch_size} queries is empty")

    @property
    def query_options(self) -> QueryOptions:
        """Return the options of each query: all candidates that are compared."""
        shortlist = self.rerank or max(self.recall_values)
        mode: Rerank = "auto" if self.is_auto else "always" if self.rerank else "never"
        return QueryOptions(candidates=shortlist, shortlist=shortlist, rerank=mode)


@dataclass(frozen=True)
class QueryResult:
    """Hold the result of one query.

    Attributes:
        number: The number of the query, from 0.
        query: The query.
        positives: The rows of the map that are right; None if unknown.
        before: The candidates by global distance.
        after: The same candidates re-ranked; None without re-ranking.
        verdict: The verdict on the first candidate.
    """

    number: int
    query: Place
    positives: NDArray[np.int64] | None
    before: tuple[Candidate, ...]
    after: tuple[Candidate, ...] | None
    verdict: Verdict

    @property
    def compared(self) -> int:
        """Return how many candidates were compared."""
        return 0 if self.verdict.evidence is None else self.verdict.evidence.compared

    @property
    def final(self) -> tuple[Candidate, ...]:
        """Return the candidates as a client would get them."""
        return self.before if self.after is None else self.after


@dataclass(frozen=True)
class Evaluation:
    """Hold the results of an evaluation.

    Attributes:
        before: The recall of the shortlist by global distance; None if the right rows are unknown.
        after: The recall after re-ranking; None without re-ranking, too.
        database: The number of pictures in the map.
        queries: The number of queries.
        compared: The number of candidates that were compared, for all queries together.
        seconds: Stage → seconds of all queries together. Decoding is summed over its threads; a batch is encoded once.
        duration_s: The seconds from the first picture to the last answer.
        peak_memory_bytes: The most memory that the process has had since it began.
        peak_device_bytes: The most memory of the GPU during the evaluation; None on a CPU.
    """

    before: Recalls | None
    after: Recalls | None
    database: int
    queries: int
    compared: int
    seconds: Mapping[Stage, float]
    duration_s: float
    peak_memory_bytes: int
    peak_device_bytes: int | None


OnResult = Callable[[QueryResult], None]


def _ignore(_result: QueryResult, /) -> None:
    pass


def evaluate(
    localizer: Localizer,
    queries: Sequence[Place],
    positives: Sequence[NDArray[np.int64]] | None,
    options: EvaluationOptions,
    progress: Progress = SILENT,
    on_result: OnResult = _ignore,
) -> Evaluation:
    """Ask a localizer all queries, and count how often it is right.

    Args:
        localizer: The map and the network; used by the calling thread only.
        queries: The queries.
        positives: The rows of the map that are right, for each query; functions of ``model.recall`` find them. None if
            they
            are unknown: then all are asked, and no recall is computed.
        options: The way of asking.
        progress: The display of the progress, by batches.
        on_result: A function that is called with the result of each query, in their order; results are not kept.

    Raises:
        InvalidInput: There is no query, or none with a positive; lists have different lengths; re-ranking is asked of a
            network without local features, or until a map is sure that was never calibrated.
        ImageError: A query cannot be read.
    """
    if options.rerank and not localizer.encoder.local_dim:
        raise InvalidInput("the network has no local features, so nothing can be re-ranked: ask with --rerank 0")
    if options.is_auto and localizer.rerank_for("auto") != "auto":
        raise InvalidInput(
            f"the map {localizer.place_map.name} was never calibrated, so nothing says when to stop comparing: "
            "calibrate it (placefix calibrate), or give --rerank a number"
        )
    if not queries:
        raise InvalidInput("there is no query to ask")
    if positives is not None and len(queries) != len(positives):
        raise InvalidInput(f"there are {len(queries)} queries, and positives for {len(positives)}")
    if positives is not None and not any(len(rows) for rows in positives):
        raise InvalidInput(
            f"not one of {len(queries)} queries has a positive in the database: every recall would be 0. Do both show "
            "the same place, and is the threshold right?"
        )
    device = localizer.encoder.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    clock = StageClock()
    found_before: list[NDArray[np.int64]] = []
    found_after: list[NDArray[np.int64]] = []
    compared = 0
    started_s = time.perf_counter()
    progress.started(len(queries), 0)
    decoded = decoded_batches(queries, localizer.preparation, options.limits, options.batch_size)
    with closing(decoded) as batches:
        for images, decode_s in batches:
            clock.add(Stage.DECODE, decode_s)
            for result in _answers(localizer, images, queries, positives, options, len(found_before), clock):
                found_before.append(_rows_of(result.before))
                if result.after is not None:
                    found_after.append(_rows_of(result.after))
                compared += result.compared
                on_result(result)
            progress.advanced(len(images))
    return Evaluation(
        before=None if positives is None else recalls(found_before, positives, options.recall_values),
        after=recalls(found_after, positives, options.recall_values)
        if options.rerank and positives is not None
        else None,
        database=len(localizer.place_map),
        queries=len(queries),
        compared=compared,
        seconds=clock.seconds,
        duration_s=time.perf_counter() - started_s,
        peak_memory_bytes=_peak_memory_bytes(),
        peak_device_bytes=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    )


def _answers(
    localizer: Localizer,
    images: Tensor,
    queries: Sequence[Place],
    positives: Sequence[NDArray[np.int64]] | None,
    options: EvaluationOptions,
    first: int,
    clock: StageClock,
) -> Generator[QueryResult, None, None]:
    """Ask a batch of queries; the first has the number ``first``."""
    encoded = encode_queries(localizer.encoder, images)
    clock.add(Stage.ENCODE, encoded[0].duration_s)
    for number, query in enumerate(encoded, start=first):
        answer = localizer.localize(query, options.query_options)
        for stage, duration_s in answer.seconds.items():
            if stage is not Stage.ENCODE:  # every answer of a batch states the seconds of the whole batch
                clock.add(stage, duration_s)
        # The order of the searcher, which re-ranking has changed.
        before = tuple(sorted(answer.candidates, key=lambda candidate: (candidate.global_distance, candidate.row)))
        yield QueryResult(
            number=number,
            query=queries[number],
            positives=None if positives is None else positives[number],
            before=before,
            after=answer.candidates if options.rerank else None,
            verdict=answer.verdict,
        )


def decoded_batches(
    photos: Sequence[Place], preparation: Preparation, limits: ImageLimits, batch_size: int
) -> Generator[tuple[Tensor, float], None, None]:
    """Decode photos a little ahead of the network.

    Yields:
        A batch ``(b, 3, H, W)``, and the seconds that its decoding took, summed over the threads.

    Raises:
        ImageError: A photo cannot be read.
    """

    def decode(photo: Place) -> tuple[Tensor, float]:
        start = time.perf_counter()
        return decode_query(photo.path, limits, preparation), time.perf_counter() - start

    def finish(decodings: list[Future[tuple[Tensor, float]]]) -> tuple[Tensor, float]:
        images, durations_s = zip(*(decoding.result() for decoding in decodings), strict=True)
        return torch.stack(images), sum(durations_s)

    with decoding_threads(default_decoders()) as decoders:
        pending: deque[list[Future[tuple[Tensor, float]]]] = deque()
        for start in range(0, len(photos), batch_size):
            batch = photos[start : start + batch_size]
            pending.append([decoders.submit(decode, photo) for photo in batch])
            if len(pending) > _BATCHES_AHEAD:
                yield finish(pending.popleft())
        while pending:
            yield finish(pending.popleft())


def _rows_of(candidates: Sequence[Candidate]) -> NDArray[np.int64]:
    return np.array([candidate.row for candidate in candidates], dtype=np.int64)


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in kilobytes
