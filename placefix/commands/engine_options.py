"""The options that say who encodes the pictures of a build or a change: this process, or workers of a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from index_builder.ray_workers.cluster import WorkerNeeds, load_ray, ray_cluster
from index_builder.ray_workers.engine import RayEngine
from index_builder.segment_engine import LocalEngine, SegmentEngine
from index_builder.segment_worker import WorkerNetwork
from model.encoder import Encoder
from model.errors import InvalidInput

_PANEL = "Workers"
_DEFAULTS = WorkerNeeds()


class EngineName(StrEnum):
    """Name an engine that encodes pictures."""

    LOCAL = "local"
    RAY = "ray"


Engine = Annotated[
    EngineName,
    typer.Option(
        help="The encoder of pictures: this process (local), or workers (ray) of the cluster at RAY_ADDRESS, or of "
        "this machine without it. The map is the same.",
        rich_help_panel=_PANEL,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Workers of the engine ray. By default as many as the cluster has room for.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
WorkerThreads = Annotated[
    int | None,
    typer.Option(
        min=1,
        help=f"Threads of each worker. By default {_DEFAULTS.threads}: many workers are faster than many threads.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
WorkerGpus = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="GPUs of each worker, such as 1, or 0.5 for two workers on one. By default none.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]


@dataclass(frozen=True)
class EngineChoice:
    """Hold the engine that encodes the pictures of a command.

    Attributes:
        needs: The number and size of the workers; None for the engine ``local``.
    """

    needs: WorkerNeeds | None

    @classmethod
    def of(
        cls, engine: EngineName, workers: int | None, worker_threads: int | None, worker_gpus: float | None
    ) -> "EngineChoice":
        """Check the options of a command.

        Raises:
            InvalidInput: Options of workers are given for the engine ``local``, or Ray is not installed.
        """
        given = {"--workers": workers, "--worker-threads": worker_threads, "--worker-gpus": worker_gpus}
        if engine is EngineName.LOCAL:
            for name, value in given.items():
                if value is not None:
                    raise InvalidInput(
                        f"{name} is an option of --engine ray, and the engine is local: give both or none"
                    )
            return cls(None)
        load_ray()  # before long work
        return cls(
            WorkerNeeds(
                workers=workers,
                threads=_DEFAULTS.threads if worker_threads is None else worker_threads,
                gpus=_DEFAULTS.gpus if worker_gpus is None else worker_gpus,
            )
        )

    @contextmanager
    def opened(self, encoder: Encoder, weights_path: Path, num_heads: int | None) -> Iterator[SegmentEngine]:
        """Yield the engine, in its cluster.

        Args:
            encoder: The network.
            weights_path: Its weights file.
            num_heads: Number of attention heads, if the file does not state it.

        Raises:
            PlacefixError: The cluster cannot be joined, or has no room.
        """
        if self.needs is None:
            yield LocalEngine(encoder)
            return
        with ray_cluster(self.needs):
            yield RayEngine(WorkerNetwork.of(encoder, weights_path, num_heads), encoder, self.needs)
