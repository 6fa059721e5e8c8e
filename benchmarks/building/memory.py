"""The peak memory of building, by number of pictures; each build has its own process."""

import shutil
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.building.throughput import listing_of
from benchmarks.memory import peak_memory_bytes, reset_peak_memory
from index_builder.build import build_map
from model.encoder import Encoder
from model.places import Place
from model.weights import load_network


def peak_of_build(weights: Path, places: Sequence[Place], folder: Path) -> int:
    """Return the peak of resident bytes during a build of some pictures, including network and libraries.

    Args:
        weights: The network.
        places: The pictures of the map.
        folder: The folder of the map, which is removed.

    Raises:
        RuntimeError: The process of the build has failed, and has printed the reason.
    """
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_worker, args=(theirs, weights, places, folder / "map"))
    process.start()
    theirs.close()
    try:
        peak_bytes: int = ours.recv()
    except EOFError as error:
        raise RuntimeError("the process that builds has failed") from error
    finally:
        process.join()
        shutil.rmtree(folder / "map", ignore_errors=True)
    return peak_bytes


def _worker(answers: Connection, weights: Path, places: Sequence[Place], path: Path) -> None:
    encoder = Encoder(load_network(weights))
    reset_peak_memory()
    build_map(listing_of(places), encoder, path)
    answers.send(peak_memory_bytes())
