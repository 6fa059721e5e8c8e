"""The same work without a server, one picture after the other: the upper limit of a server on one core."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks.load.minimal_map import LoadMap
from model.images import DEFAULT_LIMITS
from service.decoding import decode_query
from service.encoded_query import encode_queries
from service.loading import load_maps
from service.query_options import QueryOptions

_SECONDS = 8.0


def offline_rate(load_map: LoadMap, core: int) -> float:
    """Return pictures per second of decoding, encoding and finding, on one core, in its own process.

    Args:
        load_map: The map and the pictures.
        core: The number of the core.
    """
    folder = load_map.path.parent / "pictures"
    folder.mkdir(exist_ok=True)
    for name, content in load_map.pictures.items():
        (folder / Path(name).name).write_bytes(content)
    code = (
        "from benchmarks.load.offline import measure; import sys; from pathlib import Path; "
        "print(measure(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))"
    )
    finished = subprocess.run(  # noqa: S603  (our own command)
        [sys.executable, "-c", code, str(load_map.path), str(folder), str(load_map.shortlist)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        capture_output=True,
        check=True,
    )
    return float(json.loads(finished.stdout))


def measure(map_path: Path, folder: Path, shortlist: int) -> float:
    """Process the pictures of a folder repeatedly, in this process."""
    torch.set_num_threads(1)
    loaded = load_maps([map_path])
    [localizer] = loaded.localizers.values()
    options = QueryOptions(candidates=min(2, shortlist), shortlist=shortlist, rerank="always")
    contents = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]

    def localize(content: bytes) -> None:
        image = decode_query(content, DEFAULT_LIMITS, loaded.encoder.preparation)
        [encoded] = encode_queries(loaded.encoder, image[None])
        localizer.localize(encoded, options)

    for content in contents:
        localize(content)
    count, start_s = 0, time.perf_counter()
    while time.perf_counter() - start_s < _SECONDS:
        localize(contents[count % len(contents)])
        count += 1
    rate = count / (time.perf_counter() - start_s)
    loaded.close()
    return rate
