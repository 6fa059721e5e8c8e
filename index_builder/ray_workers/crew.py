"""The workers of a build on Ray: they start, prove that they encode alike, take segments, and are replaced."""

import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index_builder.errors import ClusterError, WorkerMismatch
from index_builder.ray_workers.cluster import WorkerNeeds, load_ray
from index_builder.segment_engine import EncodingOptions, SegmentAttempt, SegmentPart, SegmentTask
from index_builder.segment_worker import Probe, SegmentWorker, WorkerNetwork, WorkerReport, probe_picture
from index_builder.staging import Staging
from model.encoder import Encoder
from model.errors import PlacefixError
from model.progress import Progress

_MOST_FAILED_STARTS = 3
_LOOK_EVERY_S = 1.0
_TELL_EVERY_S = 60.0


@dataclass(frozen=True)
class Work:
    """Hold a segment, and which try at it this is, from 1."""

    task: SegmentTask
    tries: int = 1


class Worker:
    """Hold an actor and its work: it starts, encodes a segment, or is idle."""

    def __init__(self, actor: Any, picture: bytes) -> None:
        self.actor = actor
        self.name = "a worker that was starting"
        self.machine = ""
        self.work: Work | None = None
        self.directory = Path()
        self.pictures = 0
        self.heard_s = time.monotonic()
        self.waits_for: Any = actor.begin.remote(picture)

    def take(self, work: Work, options: EncodingOptions, staging: Staging) -> None:
        """Begin a segment."""
        self.work, self.pictures, self.heard_s = work, 0, time.monotonic()
        self.directory = staging.begin_attempt(work.task.number)
        attempt = SegmentAttempt(_absolute(work.task), self.directory.absolute())
        self.waits_for = self.actor.encode.options(num_returns="streaming").remote(attempt, options)

    def read(self) -> SegmentPart:
        """Return the next report on the segment. The last one names the rejected pictures, with the segment."""
        part: SegmentPart = load_ray().get(next(self.waits_for))
        self.heard_s = time.monotonic()
        self.pictures += part.pictures
        if part.finished is None:
            return replace(part, left_out=())
        self.work, self.waits_for = None, None
        return replace(part, left_out=part.finished.left_out, directory=self.directory)


class Crew:
    """Hold the workers of a build."""

    def __init__(self, network: WorkerNetwork, encoder: Encoder, needs: WorkerNeeds, progress: Progress) -> None:
        self._picture = probe_picture()
        self._here = Probe.of(encoder, self._picture)
        self._kind = (
            load_ray()
            .remote(SegmentWorker)
            .options(num_cpus=needs.threads, num_gpus=needs.gpus, max_restarts=0, scheduling_strategy="SPREAD")
        )
        self._arguments = (network, needs.threads)
        self._progress = progress
        self._workers: list[Worker] = []
        self._failed_starts = 0

    @property
    def is_busy(self) -> bool:
        """Return whether a worker has work."""
        return any(worker.work for worker in self._workers)

    def start(self, count: int) -> None:
        """Start workers, and compare all of their probes.

        Raises:
            WorkerMismatch: A worker would give other bytes than this process.
            ClusterError: A worker cannot start.
        """
        for _ in range(count):
            self._hire()
        told_s = time.monotonic()
        while starting := len(self._workers) - len(self.idle()):
            for worker in self.wait():
                self.welcome(worker)
            if time.monotonic() - told_s >= _TELL_EVERY_S:
                told_s = time.monotonic()
                self._progress.message(f"waiting for {starting} of {count} workers; the cluster may be busy")
        machines = Counter(worker.machine for worker in self._workers)
        self._progress.message(f"workers: {', '.join(f'{count} on {name}' for name, count in machines.items())}")

    def idle(self) -> list[Worker]:
        """Return the workers that can take a segment."""
        return [worker for worker in self._workers if worker.waits_for is None]

    def silent(self, silence_s: float) -> list[Worker]:
        """Return the workers that have reported nothing on their segment for a time."""
        now_s = time.monotonic()
        return [worker for worker in self._workers if worker.work and now_s - worker.heard_s > silence_s]

    def wait(self) -> list[Worker]:
        """Wait for reports, and return the workers that have one."""
        waited_for = [worker.waits_for for worker in self._workers if worker.waits_for is not None]
        ready, _ = load_ray().wait(waited_for, num_returns=1, timeout=_LOOK_EVERY_S)
        return [worker for worker in self._workers if any(worker.waits_for is each for each in ready)]

    def welcome(self, worker: Worker) -> None:
        """Compare the probe of a worker that has started; hire another one if it could not start.

        Raises:
            WorkerMismatch: It would give other bytes than this process.
            ClusterError: Workers cannot start.
        """
        try:
            report: WorkerReport = load_ray().get(worker.waits_for)
        except load_ray().exceptions.RayError as error:
            cause = getattr(error, "cause", None)
            self._failed_starts += 1
            if isinstance(cause, PlacefixError) or self._failed_starts == _MOST_FAILED_STARTS:
                raise ClusterError(
                    f"a worker cannot start: {reason_of(error)}. Every machine needs the weights and the pictures "
                    "under the same paths, and the same software"
                ) from error
            self.replace(worker)
            return
        worker.name, worker.machine, worker.waits_for = str(report), report.machine, None
        if differences := report.probe.differences(self._here):
            raise WorkerMismatch(
                f"the worker in {report} would give other bytes than this machine: {'; '.join(differences)}. All "
                "machines of a build need the same weights and software, and processors or GPUs that round alike"
            )

    def replace(self, worker: Worker) -> None:
        """End a worker, and hire another one."""
        self._workers.remove(worker)
        load_ray().kill(worker.actor)
        self._hire()

    def dismiss(self) -> None:
        """End all workers."""
        for worker in self._workers:
            load_ray().kill(worker.actor)

    def _hire(self) -> None:
        self._workers.append(Worker(self._kind.remote(*self._arguments), self._picture))


def reason_of(error: BaseException) -> str:
    """Return the reason of a failure on one line: the error that a worker raised, or the news of its death."""
    told = getattr(error, "cause", None) or error
    lines = [line.strip() for line in str(told).splitlines() if line.strip()]
    return f"{type(told).__name__}: {lines[0] if lines else 'no reason is told'}"


def _absolute(task: SegmentTask) -> SegmentTask:
    """Return a task without relative paths: a worker runs in another folder."""
    places = tuple(replace(place, path=place.path.absolute()) for place in task.places)
    return replace(task, places=places, base=task.base.absolute())
