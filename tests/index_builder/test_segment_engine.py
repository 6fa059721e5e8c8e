"""Segments may be encoded by anybody, in any order and more than once: the map is the same, and no attempt is left."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from index_builder.build import build_map
from index_builder.errors import ClusterError
from index_builder.ray_workers.cluster import WorkerNeeds, find_room
from index_builder.segment_engine import EncodingOptions, SegmentAttempt, SegmentPart, SegmentTask
from index_builder.segment_worker import Probe, SegmentWorker, WorkerNetwork, probe_picture
from index_builder.staging import Staging
from model.encoder import Encoder
from model.errors import InvalidInput
from model.progress import Progress
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from place_map.builder_lock import staging_path
from tests.conftest import TINY_CONFIG
from tests.faults.map_state import MapState, check_good_and_alone
from tests.index_builder.map_factory import SMALL, photo_listing
from tests.index_builder.recorder import Recorder


class Workers:
    """Encode segments backwards by one worker; the first attempt at each is lost in its middle, and ends late.

    Args:
        network: The network of the worker.
    """

    def __init__(self, network: WorkerNetwork) -> None:
        self._worker = SegmentWorker(network, threads=1)
        self._worker.begin(probe_picture())
        self.late = 0

    def encode(
        self, tasks: Sequence[SegmentTask], options: EncodingOptions, staging: Staging, progress: Progress
    ) -> Generator[SegmentPart, None, None]:
        progress.message("backwards")
        for task in reversed(tasks):
            lost = SegmentAttempt(task, staging.begin_attempt(task.number))
            zombie = self._worker.encode(lost, options)
            begun = next(zombie)
            yield replace(begun, left_out=())
            staging.discard_attempt(lost.directory)
            yield SegmentPart(task.number, -begun.pictures)
            attempt = SegmentAttempt(task, staging.begin_attempt(task.number))
            yield from self._worker.encode(attempt, options)
            with pytest.raises(FileNotFoundError):
                list(zombie)
            self.late += 1
            staging.begin_attempt(task.number)  # by a worker that has not even begun


@pytest.fixture
def network(tmp_path: Path, tiny_encoder: Encoder) -> WorkerNetwork:
    save_network(seeded_network(TINY_CONFIG, seed=7), tmp_path / "weights.safetensors")
    return WorkerNetwork.of(tiny_encoder, tmp_path / "weights.safetensors", None)


def test_the_map_does_not_tell_who_encoded_it(tiny_encoder: Encoder, network: WorkerNetwork, tmp_path: Path) -> None:
    listing = photo_listing(tmp_path / "photos", 10)
    listing.places[5].path.write_bytes(b"not a picture")
    options = replace(SMALL, max_rejected=0.2)
    alone, out, workers, told = tmp_path / "alone" / "town", tmp_path / "maps" / "town", Workers(network), Recorder()
    build_map(listing, tiny_encoder, alone, options)
    build_map(listing, tiny_encoder, out, options, told, engine=workers)
    assert MapState.of(out) == MapState.of(alone)
    check_good_and_alone(out)
    assert workers.late == 3
    assert (told.total, told.advanced_by) == (10, 10)
    assert "backwards" in told.messages


def test_an_attempt_that_is_discarded_is_gone_though_its_worker_goes_on(tmp_path: Path) -> None:
    staging = Staging(tmp_path / "town")
    (staging.path / "attempts").mkdir(parents=True)
    one, two = staging.begin_attempt(7), staging.begin_attempt(7)
    assert one != two
    with (one / "globals.npy").open("wb") as file:
        staging.discard_attempt(one)
        file.write(b"late")
    with pytest.raises(FileNotFoundError):
        (one / "places.parquet").write_bytes(b"late")
    assert list((staging.path / "attempts").iterdir()) == [two]
    staging.discard_attempts()
    assert list(staging_path(tmp_path / "town").rglob("*")) == [staging.path / "attempts"]


def test_a_probe_tells_networks_and_features_apart(tiny_encoder: Encoder, network: WorkerNetwork) -> None:
    picture = probe_picture()
    here = Probe.of(tiny_encoder, picture)
    report = SegmentWorker(network, threads=1).begin(picture)
    assert report.probe == here
    assert report.probe.differences(here) == []
    other = Probe.of(Encoder(seeded_network(TINY_CONFIG, seed=8)), picture)
    assert [line.split()[0] for line in other.differences(here)] == ["network", "features"]
    assert replace(here, features="0").differences(here) == [f"features 0 (here {here.features})"]


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        (WorkerNeeds(), 8),
        (WorkerNeeds(threads=3), 2),
        (WorkerNeeds(workers=5), 5),
        (WorkerNeeds(gpus=0.5), 4),
        (WorkerNeeds(gpus=0.1), 8),
    ],
)
def test_as_many_workers_as_there_is_room_for(needs: WorkerNeeds, expected: int) -> None:
    assert find_room({"CPU": 8.0, "GPU": 2.0}, needs) == expected


@pytest.mark.parametrize("needs", [WorkerNeeds(workers=9), WorkerNeeds(threads=9), WorkerNeeds(workers=3, gpus=1)])
def test_workers_without_room_are_refused(needs: WorkerNeeds) -> None:
    with pytest.raises(ClusterError, match="the cluster has 8 cores and 2 GPUs, room for"):
        find_room({"CPU": 8.0, "GPU": 2.0}, needs)


@pytest.mark.parametrize("values", [{"workers": 0}, {"threads": 0}, {"gpus": -1.0}])
def test_needs_that_make_no_sense_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="at least one worker"):
        WorkerNeeds(**values)
