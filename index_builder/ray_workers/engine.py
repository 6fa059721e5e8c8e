"""The engine that encodes the segments of a build on Ray."""

from collections import deque
from collections.abc import Generator, Sequence

from index_builder.errors import SegmentFailed
from index_builder.ray_workers.cluster import WorkerNeeds, find_room, load_ray
from index_builder.ray_workers.crew import Crew, Work, Worker, reason_of
from index_builder.segment_engine import EncodingOptions, SegmentPart, SegmentTask
from index_builder.segment_worker import WorkerNetwork
from index_builder.staging import Staging
from model.encoder import Encoder
from model.errors import InvalidInput
from model.progress import Progress

_MOST_TRIES = 3
_SILENCE_S = 1800.0  # a batch takes minutes on a slow core; a worker that hangs costs this once


class RayEngine:
    """Encode segments by workers of a cluster; see ``SegmentEngine``. The process has joined the cluster.

    Args:
        network: Where workers get the network.
        encoder: The same network in this process, with which workers have to agree.
        needs: The number of workers, and the threads and GPUs of each.
        silence_s: The longest time without a report; a worker that is silent for longer is replaced.

    Raises:
        InvalidInput: Workers and this process would use different devices.
        ClusterError: The cluster has no room for the workers.
    """

    def __init__(
        self, network: WorkerNetwork, encoder: Encoder, needs: WorkerNeeds, *, silence_s: float = _SILENCE_S
    ) -> None:
        if (network.device == "cuda") != (needs.gpus > 0):
            raise InvalidInput(
                f"the network is on the device {network.device}, and each worker takes {needs.gpus:g} GPUs: give "
                "--worker-gpus 1, or a share of one, with --device cuda, and neither without a GPU"
            )
        self._network = network
        self._encoder = encoder
        self._needs = needs
        self._silence_s = silence_s
        self._workers = find_room(load_ray().cluster_resources(), needs)

    def encode(
        self, tasks: Sequence[SegmentTask], options: EncodingOptions, staging: Staging, progress: Progress
    ) -> Generator[SegmentPart, None, None]:
        """Encode segments; see ``SegmentEngine``.

        Raises:
            WorkerMismatch: A worker would give other bytes than this process.
            ClusterError: Workers cannot start.
            SegmentFailed: A segment has failed three times.
        """
        if not tasks:
            return
        crew = Crew(self._network, self._encoder, self._needs, progress)
        waiting = deque(Work(task) for task in tasks)
        try:
            crew.start(min(self._workers, len(tasks)))
            while waiting or crew.is_busy:
                for worker in crew.idle():
                    if waiting:
                        worker.take(waiting.popleft(), options, staging)
                for worker in crew.wait():
                    if worker.work is None:
                        crew.welcome(worker)
                        continue
                    try:
                        part = worker.read()
                    except load_ray().exceptions.RayError as error:
                        yield self._give_up(crew, worker, reason_of(error), waiting, staging, progress)
                        continue
                    yield part
                for worker in crew.silent(self._silence_s):
                    reason = f"it has reported nothing for {self._silence_s:g} s"
                    yield self._give_up(crew, worker, reason, waiting, staging, progress)
        finally:
            crew.dismiss()

    @staticmethod
    def _give_up(
        crew: Crew,
        worker: Worker,
        reason: str,
        waiting: deque[Work],
        staging: Staging,
        progress: Progress,
    ) -> SegmentPart:
        """Replace a worker, give its segment to another one, and return the loss.

        Raises:
            SegmentFailed: It was the last try.
        """
        work = worker.work
        assert work is not None  # noqa: S101  (a worker with work was given up)
        crew.replace(worker)
        staging.discard_attempt(worker.directory)
        places = work.task.places
        segment = f"segment {work.task.number} ({len(places)} pictures, {places[0].id} to {places[-1].id})"
        if work.tries == _MOST_TRIES:
            raise SegmentFailed(
                f"{segment} has failed {_MOST_TRIES} times, at last in {worker.name}: {reason}. Nothing was published. "
                "When this is repaired, the same command continues behind the finished segments"
            )
        progress.message(f"{worker.name} is lost: {reason}; another worker takes {segment}")
        waiting.appendleft(Work(work.task, work.tries + 1))
        return SegmentPart(work.task.number, -worker.pictures)
