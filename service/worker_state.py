"""The life of the worker that owns the device, and what a client is told in each part of it."""

from enum import StrEnum


class WorkerState(StrEnum):
    """The life of a worker, in its order; FAILED may follow LOADING, READY and STOPPING."""

    LOADING = "loading"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


NOT_READY = {
    WorkerState.LOADING: "the service is still loading its network and maps; try again in a moment",
    WorkerState.STOPPING: "the service is stopping",
    WorkerState.STOPPED: "the service has stopped",
    WorkerState.FAILED: "the service's worker has died; the service must be restarted",
}
