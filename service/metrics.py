"""Count and measure for Prometheus. Labels come from closed sets only, never from the content of requests."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import get_args

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from model.device import DeviceChoice
from model.errors import PlacefixError
from model.network_precision import PrecisionChoice
from model.picture_errors import ImageError
from service.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    KeyMissing,
    KeyUnknown,
    NotReady,
    Overloaded,
    ScopeMissing,
    ShardUnavailable,
    UploadTimeout,
)
from service.localization import Localization
from service.map_metrics import MapMetrics
from service.stages import Stage
from service.words import CallOutcome, Status

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST

# Roughly 1-2-5 from a millisecond to the seconds that a CPU needs for a long shortlist.
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
# Closer to 1, where answers are accepted, than to 0.
_CONFIDENCES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

_REJECTED = (
    NotReady.code,
    Overloaded.code,
    DeadlineExceeded.code,
    ShardUnavailable.code,
    BodyTooLarge.code,
    UploadTimeout.code,
    KeyMissing.code,
    KeyUnknown.code,
    ScopeMissing.code,
    "client_gone",
)
_DROPPED = ("client_gone", "deadline")


class Metrics:
    """Hold the metrics of one application, in its own registry.

    Attributes:
        requests: The requests that were answered, by route template and status.
        request_duration: The seconds from the request's first byte to the end of its answer.
        stage_duration: The seconds of each stage of a query.
        image_errors: The pictures that were refused, by the code of the problem.
        rejected: The requests that were refused for another reason than their content.
        maps: The metrics of the maps.
    """

    def __init__(self, version: str) -> None:
        # The time of creation of each counter would double the number of series; it is a switch of the library.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        prometheus_client.ProcessCollector(registry=registry)
        prometheus_client.PlatformCollector(registry=registry)
        self._registry = registry
        self.maps = MapMetrics(registry)
        self.requests = Counter("placefix_requests_total", "Requests answered.", ["route", "status"], registry=registry)
        self.request_duration = Histogram(
            "placefix_request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.stage_duration = Histogram(
            "placefix_stage_duration_seconds",
            "Time that a stage of a query took.",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._upload_duration = Histogram(
            "placefix_upload_duration_seconds",
            "Time in which the body of a query arrived; part of the request's duration, before the first stage.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._gathered = Counter(
            "placefix_gather_bytes_total", "Bytes of local features read from maps to re-rank.", registry=registry
        )
        self._answers = Counter("placefix_answers_total", "Queries answered, by status.", ["status"], registry=registry)
        self._confidence = Histogram(
            "placefix_answer_confidence",
            "Probability that an answer is right, of answers that state one.",
            buckets=_CONFIDENCES,
            registry=registry,
        )
        self.image_errors = Counter(
            "placefix_image_errors_total", "Pictures refused, by problem code.", ["code"], registry=registry
        )
        self.rejected = Counter(
            "placefix_rejected_total",
            "Requests refused for another reason than their content.",
            ["reason"],
            registry=registry,
        )
        self._dropped = Counter(
            "placefix_dropped_total",
            "Pictures dropped from the queue because nobody waited for the answer any more.",
            ["reason"],
            registry=registry,
        )
        self._batch_size = Histogram(
            "placefix_batch_size", "Pictures encoded together.", buckets=_BATCH_SIZES, registry=registry
        )
        self._batch_limit = Gauge(
            "placefix_batch_size_limit",
            "Pictures that are encoded together at most: fewer than configured after the memory was not enough.",
            registry=registry,
        )
        self._too_large = Counter(
            "placefix_batches_too_large_total",
            "Batches that did not fit the device's memory and were halved, or refused if they held one picture.",
            registry=registry,
        )
        self._since_forward = Gauge(
            "placefix_since_forward_seconds", "Time since the network last encoded something.", registry=registry
        )
        self._queue_depth = Gauge("placefix_queue_depth", "Pictures that wait for the device.", registry=registry)
        self._queue_limit = Gauge(
            "placefix_queue_limit", "Pictures that may wait for the device (PLACEFIX_QUEUE_SIZE).", registry=registry
        )
        self._in_flight_limit = Gauge(
            "placefix_in_flight_limit",
            "Queries that may be answered at once (PLACEFIX_MAX_IN_FLIGHT).",
            registry=registry,
        )
        self._ready = Gauge("placefix_ready", "1 if ready: queries to every map are answered.", registry=registry)
        self._in_flight = Gauge("placefix_in_flight_requests", "Queries being answered.", registry=registry)
        self._shard_calls = Counter(
            "placefix_shard_calls_total",
            "Calls of a front end to its shards, by their outcome.",
            ["shard", "outcome"],
            registry=registry,
        )
        self._shard_duration = Histogram(
            "placefix_shard_call_duration_seconds",
            "Time of a front end's call to a shard, a second try included.",
            ["shard"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._shard_replicas = Gauge(
            "placefix_shard_replicas",
            "Replicas of a shard that answered when the front end looked last; over HTTP 1, or 0 if it is missing.",
            ["shard"],
            registry=registry,
        )
        self._keys_stale = Gauge(
            "placefix_keys_stale",
            "1 if the file of keys has changed and cannot be used, so that keys read before stay valid.",
            registry=registry,
        )
        self._device_info = Gauge(
            "placefix_device_info",
            "1 for the device in use, why it was chosen, the searcher, and the matcher.",
            ["device", "reason", "searcher", "matcher"],
            registry=registry,
        )
        self._encoding_info = Gauge(
            "placefix_encoding_info",
            "1 for the precision in which queries are encoded, and why it was chosen.",
            ["precision", "reason"],
            registry=registry,
        )
        self._build_info = Gauge("placefix_build_info", "1 for the running version.", ["version"], registry=registry)
        self._build_info.labels(version=version).set(1)
        # A series that begins with its first event hides that event from rate().
        for stage in Stage:
            self.stage_duration.labels(stage=stage.value)
        for status in get_args(Status):
            self._answers.labels(status=status)
        for code in _codes_below(ImageError):
            self.image_errors.labels(code=code)
        for reason in _REJECTED:
            self.rejected.labels(reason=reason)
        for reason in _DROPPED:
            self._dropped.labels(reason=reason)

    def batch_taken(self, size: int) -> None:
        """Count a batch that went to the device."""
        self._batch_size.observe(size)

    def entry_dropped(self, reason: str) -> None:
        """Count an entry of the queue that was dropped before the device."""
        self._dropped.labels(reason=reason).inc()

    def batch_too_large(self, size: int) -> None:  # noqa: ARG002 - the limit shows the size that is left
        """Count a batch that did not fit the device's memory."""
        self._too_large.inc()

    def upload_taken(self, duration_s: float) -> None:
        """Record how long the body of a query took to arrive."""
        self._upload_duration.observe(duration_s)

    def query_answered(self, localization: Localization, seconds: Mapping[Stage, float]) -> None:
        """Record an answer: its status, its confidence, the bytes read for it and the stages that ran.

        Args:
            localization: The result of the localizer.
            seconds: The seconds of each stage that ran, in the localizer and around it.
        """
        self._answers.labels(status=localization.status).inc()
        if localization.verdict.confidence is not None:
            self._confidence.observe(localization.verdict.confidence)
        self._gathered.inc(localization.gathered_bytes)
        for stage, duration_s in seconds.items():
            self.stage_duration.labels(stage=stage.value).observe(duration_s)

    def set_limits(self, *, queue_size: int, max_in_flight: int) -> None:
        """Set how many pictures may wait, and how many queries may be answered at once."""
        self._queue_limit.set(queue_size)
        self._in_flight_limit.set(max_in_flight)

    def watch(
        self,
        *,
        queue_depth: Callable[[], int],
        batch_limit: Callable[[], int],
        since_forward_s: Callable[[], float],
        is_ready: Callable[[], bool],
        in_flight: Callable[[], int],
    ) -> None:
        """Read these values whenever Prometheus asks."""
        self._batch_limit.set_function(batch_limit)
        self._since_forward.set_function(since_forward_s)
        self._queue_depth.set_function(queue_depth)
        self._ready.set_function(is_ready)
        self._in_flight.set_function(in_flight)

    def watch_keys(self, is_stale: Callable[[], bool]) -> None:
        """Read whenever Prometheus asks whether the file of keys has become unusable."""
        self._keys_stale.set_function(is_stale)

    def set_device(self, choice: DeviceChoice, searcher: str, matcher: str) -> None:
        """Tell the choices at start."""
        self._device_info.labels(
            device=str(choice.device), reason=choice.reason, searcher=searcher, matcher=matcher
        ).set(1)

    def set_encoding(self, choice: PrecisionChoice) -> None:
        """Tell the arithmetic in which queries are encoded."""
        self._encoding_info.labels(precision=choice.precision, reason=choice.reason).set(1)

    def expect_shards(self, count: int) -> None:
        """Begin the series of all shards, so that ``rate`` sees the first call of each outcome."""
        for number in range(1, count + 1):
            self._shard_duration.labels(shard=f"{number}/{count}")
            self._shard_replicas.labels(shard=f"{number}/{count}").set(0)
            for outcome in get_args(CallOutcome):
                self._shard_calls.labels(shard=f"{number}/{count}", outcome=outcome)

    def watch_shards(self, count: int, replicas_of: Callable[[int], int]) -> None:
        """Read whenever Prometheus asks how many replicas of each shard answer.

        Args:
            count: The number of shards.
            replicas_of: A function of the number of a shard, from 0.
        """
        for number in range(count):
            gauge = self._shard_replicas.labels(shard=f"{number + 1}/{count}")
            gauge.set_function(partial(replicas_of, number))

    def shard_called(self, shard: str, outcome: CallOutcome, duration_s: float) -> None:
        """Count a call to a shard."""
        self._shard_calls.labels(shard=shard, outcome=outcome).inc()
        self._shard_duration.labels(shard=shard).observe(duration_s)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def _codes_below(kind: type[PlacefixError]) -> list[str]:
    """Return the codes of all errors of a kind, without the kind itself."""
    return [code for child in kind.__subclasses__() for code in (child.code, *_codes_below(child))]
