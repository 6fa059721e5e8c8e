"""Where a map may be built, and by whom: nothing that is there is lost."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from model.encoder import Encoder
from model.errors import InvalidInput, StorageError
from place_map.builder_lock import builder_lock
from place_map.errors import MapBusy, MapExists
from tests.index_builder.interruption import InterruptedAfter
from tests.index_builder.map_factory import SMALL, build_small, data_files, photo_listing
from tests.index_builder.recorder import Recorder

REPOSITORY = Path(__file__).parents[2]


def test_one_builder_at_a_time(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 1)
    with builder_lock(tmp_path / ".town.building"), pytest.raises(MapBusy, match=str(os.getpid())):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    assert build_map(listing, tiny_encoder, tmp_path / "town", SMALL).placed == 1


def test_the_lock_dies_with_its_owner(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom place_map.builder_lock import builder_lock\n"
        "with builder_lock(Path(sys.argv[1])):\n    print('locked', flush=True)\n    time.sleep(60)\n"
    )
    directory = tmp_path / ".town.building"
    with subprocess.Popen(
        [sys.executable, "-c", script, directory], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "locked\n"
        with pytest.raises(MapBusy, match=str(owner.pid)), builder_lock(directory):
            pass
        owner.kill()
    with builder_lock(directory):
        pass


def test_nothing_is_built_over_something_that_exists(tmp_path: Path, tiny_encoder: Encoder) -> None:
    report = build_small(tmp_path, tiny_encoder, count=2)
    before = data_files(report.map_path)
    with pytest.raises(MapExists, match="another name"):
        build_map(photo_listing(tmp_path / "photos", 3), tiny_encoder, report.map_path, SMALL)
    assert data_files(report.map_path) == before


def test_a_foreign_staging_directory_does_not_make_an_existing_map_ones_own(
    tmp_path: Path, tiny_encoder: Encoder
) -> None:
    listing = photo_listing(tmp_path / "photos", 8)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, InterruptedAfter(8))
    shutil.copytree(build_small(tmp_path / "elsewhere", tiny_encoder, 2).map_path, tmp_path / "town")
    with pytest.raises(MapExists):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL)


def test_what_a_build_that_was_killed_while_cleaning_up_left_is_removed(tmp_path: Path, tiny_encoder: Encoder) -> None:
    report = build_small(tmp_path, tiny_encoder, count=2)
    staging = tmp_path / "maps" / ".town.building"
    staging.mkdir()
    (staging / "lock").touch()
    with pytest.raises(MapExists):
        build_map(photo_listing(tmp_path / "photos", 3), tiny_encoder, report.map_path, SMALL)
    assert not staging.exists()


def test_an_empty_directory_may_become_the_map(tmp_path: Path, tiny_encoder: Encoder) -> None:
    (tmp_path / "town").mkdir()
    assert build_map(photo_listing(tmp_path / "photos", 1), tiny_encoder, tmp_path / "town", SMALL).placed == 1


def test_a_disk_that_does_not_take_the_map_is_told_and_the_build_continues_later(
    tmp_path: Path, tiny_encoder: Encoder
) -> None:
    listing = photo_listing(tmp_path / "photos", 6)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # a segment's locals.npy has 108 kB
    try:
        with pytest.raises(StorageError, match="nothing was published"):
            build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "town").exists()
    assert build_map(listing, tiny_encoder, tmp_path / "town", SMALL).placed == 6


def test_a_disk_that_is_too_small_is_told_before_the_first_picture(
    tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100_000))
    progress = Recorder()
    with pytest.raises(StorageError, match="free"):
        build_map(photo_listing(tmp_path / "photos", 6), tiny_encoder, tmp_path / "town", SMALL, progress)
    assert progress.advanced_by == 0


@pytest.mark.parametrize(
    ("index", "says"),
    [
        ("nonsense", "index_factory"),
        ("IVF100,Flat", "number of clusters"),
        ("PQ7", "multiple"),
        ("", "index_factory"),
        ("IDMap,Flat", "cannot be added"),
    ],
)
def test_an_index_that_cannot_be_made_is_told_before_any_work(
    tmp_path: Path, tiny_encoder: Encoder, index: str, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        build_map(photo_listing(tmp_path / "photos", 2), tiny_encoder, tmp_path / "town", BuildOptions(index=index))
    assert not (tmp_path / ".town.building").exists()
