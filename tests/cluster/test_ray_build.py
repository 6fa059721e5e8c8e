"""A build by workers on Ray gives the bytes of a build in one process, even if processes are killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmarks.cluster_build import cluster_build
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.errors import ClusterError, SegmentFailed, WorkerMismatch
from index_builder.ray_workers.cluster import WorkerNeeds
from index_builder.ray_workers.engine import RayEngine
from index_builder.segment_engine import EncodingOptions, SegmentEngine, SegmentPart, SegmentTask
from index_builder.segment_worker import WorkerNetwork
from index_builder.sources.listing import SourceListing
from index_builder.sources.read import read_source
from index_builder.staging import Staging
from model.encoder import Encoder
from model.progress import SILENT, Progress
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from place_map import layout
from place_map.builder_lock import staging_path
from placefix.exit_codes import ExitCode
from tests.cluster.processes import below, segment_workers, wait_for
from tests.conftest import TINY_CONFIG, write_photo
from tests.faults.map_state import MapState, check_good_and_alone

PICTURES = 22
LONG_S = 600.0
OPTIONS = BuildOptions(batch_size=1, segment_size=6)
FLAGS = ("--batch-size", "1", "--segment-size", "6", "--network-precision", "float32", "--no-calibrate")


@dataclass(frozen=True)
class Town:
    """Hold pictures, a network, and the map that one process has built of them.

    Attributes:
        folder: The folder of all files.
        encoder: The network.
        alone: The map.
    """

    folder: Path
    encoder: Encoder
    alone: Path

    @property
    def weights(self) -> Path:
        return self.folder / "weights.safetensors"

    @property
    def source(self) -> Path:
        return self.folder / "photos" / "photos.csv"

    @property
    def listing(self) -> SourceListing:
        return read_source(self.source)

    @property
    def network(self) -> WorkerNetwork:
        return WorkerNetwork.of(self.encoder, self.weights, None)

    def build(self, out: Path, engine: SegmentEngine | None, progress: Progress = SILENT) -> None:
        build_map(self.listing, self.encoder, out, OPTIONS, progress, weights_path=self.weights, engine=engine)

    def check(self, out: Path) -> None:
        """Compare a map with the one of one process; nothing lies beside it."""
        assert MapState.of(out) == MapState.of(self.alone)
        check_good_and_alone(out)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    lines = ["path,latitude,longitude"]
    for number in range(PICTURES):
        write_photo(folder / "photos" / f"{number:02d}.jpg", seed=number)
        lines.append(f"{number:02d}.jpg,{55 + number / 1000},13.2")
    (folder / "photos" / "17.jpg").write_bytes(b"not a picture")
    (folder / "photos" / "photos.csv").write_text("\n".join(lines) + "\n")
    save_network(seeded_network(TINY_CONFIG, seed=7), folder / "weights.safetensors")
    made = Town(folder, Encoder(seeded_network(TINY_CONFIG, seed=7)), folder / "alone" / "town")
    made.build(made.alone, None)
    return made


def engine_of(town: Town, workers: int) -> RayEngine:
    return RayEngine(town.network, town.encoder, WorkerNeeds(workers=workers), silence_s=LONG_S)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_map_is_that_of_one_process(town: Town, workers: int, tmp_path: Path) -> None:
    out = tmp_path / "maps" / "town"
    town.build(out, engine_of(town, workers))
    town.check(out)


@pytest.mark.usefixtures("cluster")
def test_the_benchmark_compares_workers_by_maps_that_are_equal(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count = 34  # two segments
    lines = [f"{number}.jpg,55.7,13.2" for number in range(count)]
    for number in range(count):
        write_photo(tmp_path / "test" / f"{number}.jpg", seed=number)
    (tmp_path / "test" / "database.csv").write_text("\n".join(["path,latitude,longitude", *lines]) + "\n")
    out = tmp_path / "figures.json"
    cluster_build(town.weights, tmp_path, count, workers=2, repeats=1, out=out)
    assert f"3 maps of {count} pictures are equal to the last byte" in capsys.readouterr().out
    figures = json.loads(out.read_text())
    assert set(figures["medians"]) == {"one process", "1", "2"}
    assert all(figure > 0 for run in figures["medians"].values() for figure in run.values())


class Disturbed:
    """Send a signal to a worker after some pictures; a display of the build.

    A worker that is stopped is given up at once, and then goes on.
    """

    def __init__(self, engine: RayEngine, head: int, number: int, after: int) -> None:
        self._engine = engine
        self._head = head
        self._signal = number
        self._after = after
        self.victim = 0
        self.done = 0
        self.messages: list[str] = []

    def started(self, total: int, finished: int) -> None:
        assert (total, finished) == (PICTURES, 0)

    def advanced(self, count: int) -> None:
        self.done += count
        if not self.victim and self.done >= self._after:
            self.victim = segment_workers(self._head)[0]
            os.kill(self.victim, self._signal)
            if self._signal == signal.SIGSTOP:
                self._engine._silence_s = 0

    def message(self, text: str) -> None:
        self.messages.append(text)
        if "has reported nothing" in text:
            self._engine._silence_s = LONG_S
            os.kill(self.victim, signal.SIGCONT)


def test_a_killed_worker_is_replaced_and_its_segment_encoded_again(town: Town, cluster: int, tmp_path: Path) -> None:
    out = tmp_path / "maps" / "town"
    engine = engine_of(town, 2)
    disturbed = Disturbed(engine, cluster, signal.SIGKILL, after=2)
    town.build(out, engine, disturbed)
    assert disturbed.done == PICTURES
    (lost,) = [message for message in disturbed.messages if "is lost" in message]
    assert f"process {disturbed.victim} on " in lost
    town.check(out)


def test_a_worker_that_returns_late_finds_its_segment_taken(town: Town, cluster: int, tmp_path: Path) -> None:
    """It is stopped, another one encodes its segment, and then it goes on, with files that it has open."""
    out = tmp_path / "maps" / "town"
    engine = engine_of(town, 1)
    disturbed = Disturbed(engine, cluster, signal.SIGSTOP, after=2)
    town.build(out, engine, disturbed)
    assert any("has reported nothing" in message for message in disturbed.messages)
    wait_for(lambda: disturbed.victim not in below(cluster))
    town.check(out)


@pytest.mark.usefixtures("cluster")
def test_a_worker_that_would_give_other_bytes_is_refused_before_the_first_segment(town: Town, tmp_path: Path) -> None:
    save_network(seeded_network(TINY_CONFIG, seed=8), tmp_path / "other.safetensors")
    other = replace(town.network, weights_path=tmp_path / "other.safetensors")
    less = replace(town.network, precision="bfloat16")
    for network, told in ((other, "network [0-9a-f]{64} [(]here "), (less, "precision bfloat16 [(]here float32[)]")):
        out = tmp_path / "maps" / "town"
        with pytest.raises(WorkerMismatch, match=f"process .* would give other bytes than this machine: {told}"):
            town.build(out, RayEngine(network, town.encoder, WorkerNeeds(workers=1)))
        assert not list(staging_path(out).glob("attempts/*"))


@pytest.mark.usefixtures("cluster")
def test_a_worker_without_the_weights_is_named(town: Town, tmp_path: Path) -> None:
    missing = replace(town.network, weights_path=tmp_path / "missing.safetensors")
    with pytest.raises(ClusterError, match=r"cannot start: .*missing\.safetensors"):
        town.build(tmp_path / "town", RayEngine(missing, town.encoder, WorkerNeeds(workers=1)))


@pytest.mark.usefixtures("cluster")
def test_more_workers_than_the_cluster_has_room_for_are_refused(town: Town) -> None:
    with pytest.raises(ClusterError, match=r"has 3 cores and 0 GPUs, room for 3 workers .* 4 workers were requested"):
        engine_of(town, 4)


class Unwritable:
    """Hold an engine whose attempts at the second segment cannot be written: a file is where a folder has to be."""

    def __init__(self, engine: RayEngine) -> None:
        self._engine = engine

    def encode(
        self, tasks: Sequence[SegmentTask], options: EncodingOptions, staging: Staging, progress: Progress
    ) -> Generator[SegmentPart, None, None]:
        return self._engine.encode(tasks, options, _InTheWay(staging.map_dir), progress)


class _InTheWay(Staging):
    def begin_attempt(self, number: int) -> Path:
        attempt = super().begin_attempt(number)
        if number == 2:
            (attempt / layout.THUMBNAILS).write_bytes(b"")
        return attempt


@pytest.mark.usefixtures("cluster")
def test_a_segment_that_fails_three_times_is_named_and_the_build_continues_later(town: Town, tmp_path: Path) -> None:
    out = tmp_path / "maps" / "town"
    with pytest.raises(
        SegmentFailed, match=r"segment 2 \(6 pictures, 06.jpg to 11.jpg\) has failed 3 times, .*FileExists"
    ):
        town.build(out, Unwritable(engine_of(town, 1)))
    town.build(out, engine_of(town, 1))
    town.check(out)


def start(town: Town, out: Path) -> "subprocess.Popen[str]":
    """Start ``placefix build`` with a cluster of its own."""
    variables = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    command = [sys.executable, "-m", "placefix", "build", "--source", str(town.source), "--out", str(out)]
    engine = ["--weights", str(town.weights), *FLAGS, "--engine", "ray", "--workers", "2"]
    return subprocess.Popen(
        [*command, *engine],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for_a_segment(out: Path, build: "subprocess.Popen[str]") -> None:
    wait_for(lambda: build.poll() is not None or list(staging_path(out).glob("checkpoints/*.json")))
    assert build.poll() is None


def test_a_killed_command_continues_beside_the_workers_that_it_left(town: Town, tmp_path: Path) -> None:
    out = tmp_path / "maps" / "town"
    with start(town, out) as build:
        wait_for_a_segment(out, build)
        build.kill()
    with start(town, out) as again:
        told, _ = again.communicate()
    assert again.returncode == ExitCode.SOME_REJECTED, told
    assert "continuing where it was interrupted" in told
    town.check(out)


def test_ctrl_c_stops_what_the_command_has_started_and_leaves_what_continues(town: Town, tmp_path: Path) -> None:
    out = tmp_path / "maps" / "town"
    with start(town, out) as build:
        wait_for_a_segment(out, build)
        started = set(below(build.pid))
        os.killpg(build.pid, signal.SIGINT)  # as a terminal does
        told, _ = build.communicate()
        wait_for(lambda: not {process for process in started if Path(f"/proc/{process}").exists()})
    assert build.returncode == ExitCode.INTERRUPTED, told
    assert "The same command continues behind the last finished segment" in " ".join(told.split())
    assert "Traceback" not in told
    town.build(out, None)  # without Ray
    town.check(out)
