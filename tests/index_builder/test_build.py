import csv
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.builder_lock import builder_lock
from index_builder.place_map.local_codec import STORES, LocalCodec, StoreType, global_type
from index_builder.place_map.manifest import FeatureShapes
from index_builder.place_map.reader import PlaceMap
from index_builder.progress import SilentProgress
from index_builder.sources.listing import LeftOut, SourceListing
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.errors import (
    BuildConflict,
    InvalidInput,
    MapBusy,
    MapExists,
    NothingUsable,
    StorageError,
    TooManyRejected,
)
from model.features import Features
from model.geo import LatLon
from model.images import open_image
from model.network.initialisation import seeded_network
from model.places import Place
from model.preprocess import Preprocessing, preprocess
from tests.conftest import TINY_CONFIG, write_photo
from tests.index_builder.map_factory import SMALL, build_small, data_files, photo_listing

REPOSITORY = Path(__file__).parents[2]


class Stop(SilentProgress):
    """Does something once a number of pictures has been encoded."""

    def __init__(self, after: int, action: Callable[[], object]) -> None:
        self.advanced_to = 0
        self._after = after
        self._action = action

    def advanced(self, count: int) -> None:
        self.advanced_to += count
        if self.advanced_to >= self._after:
            self._action()


class Recorder(SilentProgress):
    def __init__(self) -> None:
        self.total = self.finished = self.advanced_by = 0
        self.messages: list[str] = []

    def started(self, total: int, finished: int) -> None:
        self.total, self.finished = total, finished

    def advanced(self, count: int) -> None:
        self.advanced_by += count

    def message(self, text: str) -> None:
        self.messages.append(text)


def interrupt() -> None:
    raise KeyboardInterrupt


def left_out_of(map_path: Path) -> list[dict[str, str]]:
    with (map_path / "versions/000001/left_out.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_map_holds_every_picture_of_the_source_in_its_order(tmp_path: Path, tiny_encoder: Encoder) -> None:
    report = build_small(tmp_path, tiny_encoder, count=6)

    assert (report.placed, report.skipped, report.rejected, report.encoded) == (6, 0, 0, 6)
    with PlaceMap.open(report.map_path) as place_map:
        assert place_map.places.ids == [f"{number:02d}.jpg" for number in range(6)]
        record = place_map.places[5]
        assert (record.position, record.heading_deg, record.source_path) == (LatLon(55.005, 13.2), 5.0, "05.jpg")
        assert [segment.rows for segment in place_map.manifest.segments] == [4, 2]
    assert sorted(path.name for path in report.map_path.parent.iterdir()) == ["town"]  # no staging is left
    assert report.total_bytes == sum(
        path.stat().st_size
        for path in report.map_path.rglob("*")
        if path.is_file() and path.name not in ("CURRENT", "manifest.json", "manifest.json.sha256")
    )


def test_the_stored_features_are_the_encoders_rounded_to_float16(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 5)
    report = build_map(listing, tiny_encoder, tmp_path / "town", replace(SMALL, store="float16"))
    paths = [tmp_path / "photos" / f"{number:02d}.jpg" for number in range(5)]
    batches = [paths[0:2], paths[2:4], paths[4:5]]
    features = [tiny_encoder.encode(torch.stack([preprocess(open_image(path)) for path in batch])) for batch in batches]
    with PlaceMap.open(report.map_path) as place_map:
        expected = torch.cat([part.global_features for part in features]).half().float().numpy()
        np.testing.assert_array_equal(place_map.global_features(np.arange(5)), expected)
        expected_local = torch.cat([part.local_features for part in features]).half()
        assert torch.equal(place_map.local_features(np.arange(5)), expected_local)


def test_a_float32_store_holds_what_the_encoder_computed(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 3)
    options = BuildOptions(batch_size=3, store="float32")
    report = build_map(listing, tiny_encoder, tmp_path / "town", options)
    features = tiny_encoder.encode(torch.stack([preprocess(open_image(place.path)) for place in listing.places]))
    with PlaceMap.open(report.map_path) as place_map:
        assert place_map.manifest.features.dtype == "float32"
        assert place_map.store_type == torch.float32
        np.testing.assert_array_equal(place_map.global_features(np.arange(3)), features.global_features.numpy())
        stored = place_map.local_features(np.arange(3))
        assert torch.equal(stored, features.local_features)
        assert place_map.manifest.features.bytes_per_picture == 4 * (64 + 61 * 61 * 16)
        with pytest.raises(InvalidInput, match="float32 do not fit"):
            place_map.local_features(np.arange(3), out=stored.half())
    assert verify_map(report.map_path, encoder=tiny_encoder).is_good


@pytest.mark.parametrize("store", STORES)
def test_every_store_holds_what_the_encoder_computed_as_far_as_it_can(
    tmp_path: Path, tiny_encoder: Encoder, store: StoreType
) -> None:
    listing = photo_listing(tmp_path / "photos", 3)
    report = build_map(listing, tiny_encoder, tmp_path / "town", BuildOptions(batch_size=3, store=store))
    features = tiny_encoder.encode(torch.stack([preprocess(open_image(place.path)) for place in listing.places]))
    with PlaceMap.open(report.map_path) as place_map:
        assert place_map.store == store
        assert torch.equal(
            place_map.local_features(np.arange(3)), LocalCodec(store, 16).round_trip(features.local_features)
        )
        shapes = place_map.manifest.features
        expected = sum(path.stat().st_size for path in report.map_path.rglob("*.npy")) - 2 * 128  # the two headers
        assert 3 * shapes.bytes_per_picture == expected
    assert verify_map(report.map_path, encoder=tiny_encoder).is_good


def test_ten_thousand_places_fit_into_five_gigabytes_by_default() -> None:
    """Features as of ViT-L/14, the index, and 11 kB a picture for its thumbnail and its row: they have 8 to 11."""
    store = BuildOptions().store
    shapes = FeatureShapes(
        global_dim=1024, local_grid=(61, 61), local_dim=128, dtype=global_type(store), local_store=store
    )
    assert 10_000 * (shapes.bytes_per_picture + 4 * 1024 + 11_000) < 5e9


@pytest.mark.parametrize(("local_features", "grid"), [("coarse", (16, 16)), ("none", (0, 0))])
def test_networks_of_other_shapes_build_maps(
    tmp_path: Path, local_features: Literal["coarse", "none"], grid: tuple[int, int]
) -> None:
    encoder = Encoder(seeded_network(replace(TINY_CONFIG, local_features=local_features), seed=3))
    report = build_map(photo_listing(tmp_path / "photos", 5), encoder, tmp_path / "town", SMALL)
    assert verify_map(report.map_path, encoder=encoder).is_good
    with PlaceMap.open(report.map_path) as place_map:
        assert place_map.manifest.features.local_grid == grid
        assert place_map.local_features(np.arange(5)).shape == (5, grid[0] * grid[1], encoder.local_dim)


def test_a_build_is_not_continued_with_another_store(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 8)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, Stop(8, interrupt))
    with pytest.raises(BuildConflict, match=r"store int8 \(now float32\)"):
        build_map(listing, tiny_encoder, tmp_path / "town", replace(SMALL, store="float32"))


def test_thumbnails_are_small_and_upright(tmp_path: Path, tiny_encoder: Encoder) -> None:
    write_photo(tmp_path / "photos" / "a.jpg", 1, size=(640, 320), orientation=6)
    place = Place("a", tmp_path / "photos" / "a.jpg", LatLon(1, 2))
    listing = SourceListing((place,), (), "exif folder", tmp_path / "photos")
    build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    with PlaceMap.open(tmp_path / "town") as place_map:
        thumbnail = place_map.thumbnail(0)
        assert thumbnail is not None
        (tmp_path / "thumbnail.jpg").write_bytes(thumbnail)
        with Image.open(tmp_path / "thumbnail.jpg") as image:
            assert (image.size, image.format) == ((128, 256), "JPEG")
            assert not image.getexif()


def test_without_thumbnails_there_are_none(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 2)
    build_map(listing, tiny_encoder, tmp_path / "town", BuildOptions(thumbnails=False))
    with PlaceMap.open(tmp_path / "town") as place_map:
        assert place_map.thumbnail(0) is None
    assert not list((tmp_path / "town").rglob("thumbnails"))


def test_two_builds_give_the_same_bytes(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 6)
    for name in ("one", "two"):
        build_map(listing, tiny_encoder, tmp_path / name, SMALL)
    assert data_files(tmp_path / "one") == data_files(tmp_path / "two")


def test_the_table_tells_where_the_picture_lies_if_not_below_the_source(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 1)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "list.csv").touch()
    listing = SourceListing(listing.places, (), "csv", tmp_path / "lists" / "list.csv")
    build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    with PlaceMap.open(tmp_path / "town") as place_map:
        assert place_map.places[0].source_path == (tmp_path / "photos" / "00.jpg").as_posix()


class Undisturbed(NamedTuple):
    listing: SourceListing
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder) -> Undisturbed:
    """Ten pictures, one of them broken, and the map of an undisturbed build."""
    folder = tmp_path_factory.mktemp("undisturbed")
    listing = photo_listing(folder / "photos", 10)
    listing.places[3].path.write_bytes(b"\xff\xd8\xff not a picture")
    build_map(listing, tiny_encoder, folder / "town", BuildOptions(batch_size=2, segment_size=4, max_rejected=0.1))
    return Undisturbed(listing, data_files(folder / "town"))


OPTIONS = BuildOptions(batch_size=2, segment_size=4, max_rejected=0.1)


@pytest.mark.parametrize("after", [2, 4, 6, 8, 10])
def test_an_interrupted_build_continues_to_the_same_bytes(
    tmp_path: Path, tiny_encoder: Encoder, undisturbed: Undisturbed, after: int
) -> None:
    out = tmp_path / "town"
    with pytest.raises(KeyboardInterrupt):
        build_map(undisturbed.listing, tiny_encoder, out, OPTIONS, Stop(after, interrupt))
    assert not out.exists()

    progress = Recorder()
    report = build_map(undisturbed.listing, tiny_encoder, out, OPTIONS, progress)

    assert data_files(out) == undisturbed.files
    assert progress.finished + progress.advanced_by == progress.total == 10
    assert report.encoded == 10 - progress.finished
    assert [entry["path"] for entry in left_out_of(out)] == ["03.jpg"]


KILLED = """
import os, signal, sys
from pathlib import Path
import index_builder.build, index_builder.staging
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.progress import SilentProgress
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.geo import LatLon
from model.network.initialisation import seeded_network
from model.places import Place
from tests.conftest import TINY_CONFIG

photos, out, moment = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def killing_behind(owner, name, times):
    real, calls = getattr(owner, name), []
    def wrapped(*arguments, **options):
        result = real(*arguments, **options)
        calls.append(1)
        if len(calls) == times:
            kill()
        return result
    setattr(owner, name, wrapped)
if moment == "published":
    killing_behind(index_builder.staging, "rename_durably", 4)  # three segments, then the map
elif moment == "version":
    killing_behind(index_builder.build, "write_version", 1)
elif moment.startswith("rename"):
    killing_behind(index_builder.staging, "rename_durably", int(moment[-1]))
elif moment.startswith("checkpoint"):
    killing_behind(index_builder.staging.Staging, "finish_segment", int(moment[-1]))
listing = SourceListing(
    tuple(Place(f"{n:02d}.jpg", photos / f"{n:02d}.jpg", LatLon(55 + n / 1000, 13.2), float(n) if n % 2 else None)
          for n in range(10)), (), "exif folder", photos)
build_map(listing, Encoder(seeded_network(TINY_CONFIG, seed=7)), out,
          BuildOptions(batch_size=2, segment_size=4, max_rejected=0.1))
"""


@pytest.mark.parametrize("moment", ["rename1", "checkpoint1", "rename3", "checkpoint3", "version", "published"])
def test_a_killed_build_continues_to_the_same_bytes(
    tmp_path: Path, tiny_encoder: Encoder, undisturbed: Undisturbed, moment: str
) -> None:
    out = tmp_path / "town"
    photos = undisturbed.listing.root
    # PYTHONPATH has no say in -c's own path, so the repository is the working directory.
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, photos, out, moment], cwd=REPOSITORY, capture_output=True, check=False, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert out.exists() == (moment == "published")

    report = build_map(undisturbed.listing, tiny_encoder, out, OPTIONS)

    assert data_files(out) == undisturbed.files
    assert report.encoded == {"rename1": 10, "checkpoint1": 6, "rename3": 2}.get(moment, 0)
    assert (report.placed, report.rejected) == (9, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["town"]


def test_pictures_that_changed_since_the_interruption_are_encoded_again(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 8)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, Stop(8, interrupt))
    write_photo(listing.places[1].path, seed=99)
    build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    build_map(listing, tiny_encoder, tmp_path / "fresh", SMALL)
    assert data_files(tmp_path / "town") == data_files(tmp_path / "fresh")


def test_a_finished_segment_that_was_damaged_is_encoded_again(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 12)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, Stop(12, interrupt))
    locals_path = tmp_path / ".town.building/map/segments/000001/locals.npy"
    content = bytearray(locals_path.read_bytes())
    content[5000] ^= 1
    locals_path.write_bytes(content)
    build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    build_map(listing, tiny_encoder, tmp_path / "fresh", SMALL)
    assert data_files(tmp_path / "town") == data_files(tmp_path / "fresh")


def test_a_finished_segment_that_lost_a_thumbnail_is_encoded_again(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 12)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, Stop(12, interrupt))
    (tmp_path / ".town.building/map/segments/000001/thumbnails/000002.jpg").unlink()
    build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    build_map(listing, tiny_encoder, tmp_path / "fresh", SMALL)
    assert data_files(tmp_path / "town") == data_files(tmp_path / "fresh")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (BuildOptions(batch_size=3, segment_size=4), "batch_size 2 (now 3)"),
        (BuildOptions(batch_size=2, segment_size=5), "segment_size 4 (now 5)"),
        (BuildOptions(batch_size=2, segment_size=4, thumbnails=False), "thumbnails True (now False)"),
    ],
)
def test_an_unfinished_build_is_not_continued_with_other_settings(
    tmp_path: Path, tiny_encoder: Encoder, options: BuildOptions, names: str
) -> None:
    listing = photo_listing(tmp_path / "photos", 8)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, Stop(8, interrupt))
    with pytest.raises(BuildConflict) as caught:
        build_map(listing, tiny_encoder, tmp_path / "town", options)
    assert names in caught.value.message
    assert "--restart" in caught.value.message

    report = build_map(listing, tiny_encoder, tmp_path / "town", options, restart=True)
    assert (report.placed, report.encoded) == (8, 8)


def test_an_unfinished_build_is_not_continued_with_another_network_or_preprocessing_or_source(
    tmp_path: Path, tiny_encoder: Encoder
) -> None:
    listing = photo_listing(tmp_path / "photos", 8)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, Stop(8, interrupt))
    others = [
        (listing, Encoder(seeded_network(TINY_CONFIG, seed=8)), "network"),
        (listing, Encoder(seeded_network(TINY_CONFIG, seed=7), "cpu", Preprocessing.OFFICIAL_EVAL), "preprocessing"),
        (listing, Encoder(seeded_network(TINY_CONFIG, seed=7), precision="bfloat16"), "precision"),
        (SourceListing(listing.places[::-1], (), listing.kind, listing.root), tiny_encoder, "listing_sha256"),
        (SourceListing(listing.places[:-1], (), listing.kind, listing.root), tiny_encoder, "pictures 8 (now 7)"),
    ]
    for other_listing, encoder, name in others:
        with pytest.raises(BuildConflict, match=name.replace("(", r"\(").replace(")", r"\)")):
            build_map(other_listing, encoder, tmp_path / "town", SMALL)


def test_settings_that_do_not_touch_segments_may_change_when_a_build_continues(
    tmp_path: Path, tiny_encoder: Encoder
) -> None:
    listing = photo_listing(tmp_path / "photos", 12)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, Stop(12, interrupt))
    options = BuildOptions(batch_size=2, segment_size=4, max_rejected=1.0, index="HNSW8")
    report = build_map(listing, tiny_encoder, tmp_path / "town", options)
    assert report.encoded < 12


def test_one_builder_at_a_time(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 1)
    with builder_lock(tmp_path / ".town.building"), pytest.raises(MapBusy, match=str(os.getpid())):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    assert build_map(listing, tiny_encoder, tmp_path / "town", SMALL).placed == 1


def test_the_lock_dies_with_its_owner(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom index_builder.builder_lock import builder_lock\n"
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
        build_map(photo_listing(tmp_path / "photos", 2), tiny_encoder, report.map_path, SMALL)
    assert data_files(report.map_path) == before


def test_a_foreign_staging_directory_does_not_make_an_existing_map_ones_own(
    tmp_path: Path, tiny_encoder: Encoder
) -> None:
    listing = photo_listing(tmp_path / "photos", 8)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, Stop(8, interrupt))
    shutil.copytree(build_small(tmp_path / "elsewhere", tiny_encoder, 2).map_path, tmp_path / "town")
    with pytest.raises(MapExists):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL)


def test_what_a_build_that_was_killed_while_cleaning_up_left_is_removed(tmp_path: Path, tiny_encoder: Encoder) -> None:
    report = build_small(tmp_path, tiny_encoder, count=2)
    staging = tmp_path / "maps" / ".town.building"
    staging.mkdir()
    (staging / "lock").touch()
    with pytest.raises(MapExists):
        build_map(photo_listing(tmp_path / "photos", 2), tiny_encoder, report.map_path, SMALL)
    assert not staging.exists()


def test_an_empty_directory_may_become_the_map(tmp_path: Path, tiny_encoder: Encoder) -> None:
    (tmp_path / "town").mkdir()
    assert build_map(photo_listing(tmp_path / "photos", 1), tiny_encoder, tmp_path / "town", SMALL).placed == 1


def test_pictures_that_cannot_be_read_are_left_out_with_their_reasons(tmp_path: Path, tiny_encoder: Encoder) -> None:
    skipped = LeftOut("nowhere.jpg", "skipped", "no_position", "it has no position")
    listing = photo_listing(tmp_path / "photos", 9, [skipped])
    places = listing.places
    places[0].path.write_bytes(places[0].path.read_bytes()[:2000])
    places[1].path.unlink()
    places[2].path.write_bytes(b"")
    places[3].path.write_bytes(b"hello")
    places[4].path.unlink()
    places[4].path.mkdir()
    places[5].path.unlink()
    os.mkfifo(places[5].path)
    Image.new("RGB", (8, 300)).save(places[6].path)

    report = build_map(
        listing, tiny_encoder, tmp_path / "town", BuildOptions(batch_size=2, segment_size=4, max_rejected=0.7)
    )

    assert (report.placed, report.skipped, report.rejected) == (2, 1, 7)
    entries = left_out_of(report.map_path)
    assert [(entry["path"], entry["outcome"], entry["code"]) for entry in entries] == [
        ("00.jpg", "rejected", "corrupt_image"),
        ("01.jpg", "rejected", "unreadable_image"),
        ("02.jpg", "rejected", "empty_image"),
        ("03.jpg", "rejected", "not_an_image"),
        ("04.jpg", "rejected", "unreadable_image"),
        ("05.jpg", "rejected", "unreadable_image"),
        ("06.jpg", "rejected", "image_too_small"),
        ("nowhere.jpg", "skipped", "no_position"),
    ]
    assert all(entry["reason"] for entry in entries)
    with PlaceMap.open(report.map_path) as place_map:
        assert place_map.places.ids == ["07.jpg", "08.jpg"]
        assert [segment.id for segment in place_map.manifest.segments] == ["000002", "000003"]


def test_too_many_rejected_pictures_stop_the_build_as_soon_as_it_is_certain(
    tmp_path: Path, tiny_encoder: Encoder
) -> None:
    listing = photo_listing(tmp_path / "photos", 40)
    for place in listing.places[:2]:
        place.path.write_bytes(b"nothing")
    options = BuildOptions(batch_size=2, segment_size=4, max_rejected=0.04)
    progress = Recorder()
    with pytest.raises(TooManyRejected) as caught:
        build_map(listing, tiny_encoder, tmp_path / "town", options, progress)
    assert progress.advanced_by == 0
    assert not (tmp_path / "town").exists()
    report_path = tmp_path / ".town.building" / "left_out.csv"
    assert str(report_path) in caught.value.message
    assert "00.jpg" in caught.value.message
    assert report_path.read_text().count("rejected") == 2

    report = build_map(listing, tiny_encoder, tmp_path / "town", BuildOptions(2, 4, max_rejected=0.05))
    assert (report.placed, report.rejected) == (38, 2)


def test_a_failed_build_without_a_finished_segment_is_in_nobodys_way(tmp_path: Path, tiny_encoder: Encoder) -> None:
    broken = photo_listing(tmp_path / "broken", 3)
    for place in broken.places:
        place.path.write_bytes(b"nothing")
    with pytest.raises(TooManyRejected):
        build_map(broken, tiny_encoder, tmp_path / "town", SMALL)
    assert (tmp_path / ".town.building").is_dir()
    assert build_map(photo_listing(tmp_path / "photos", 3), tiny_encoder, tmp_path / "town", SMALL).placed == 3
    assert not (tmp_path / ".town.building").exists()


def test_rejected_pictures_may_be_removed_and_the_build_begun_anew(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 10)
    listing.places[8].path.write_bytes(b"nothing")
    with pytest.raises(TooManyRejected, match=r"the same command continues; or remove them, .* --restart"):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    without = SourceListing((*listing.places[:8], listing.places[9]), (), listing.kind, listing.root)
    with pytest.raises(BuildConflict, match="--restart"):
        build_map(without, tiny_encoder, tmp_path / "town", SMALL)
    assert build_map(without, tiny_encoder, tmp_path / "town", SMALL, restart=True).placed == 9


def test_the_limit_counts_what_the_source_left_out_and_is_inclusive(tmp_path: Path, tiny_encoder: Encoder) -> None:
    rejected = LeftOut("broken.jpg", "rejected", "corrupt_image", "it is broken")
    skipped = LeftOut("nowhere.jpg", "skipped", "no_position", "it has no position")
    listing = photo_listing(tmp_path / "photos", 2, [rejected, skipped])
    with pytest.raises(TooManyRejected, match="1 of 4 pictures"):
        build_map(listing, tiny_encoder, tmp_path / "town", BuildOptions(max_rejected=0.24))
    assert build_map(listing, tiny_encoder, tmp_path / "town", BuildOptions(max_rejected=0.25)).rejected == 1


@pytest.mark.parametrize("count", [0, 3])
def test_without_a_usable_picture_there_is_no_map(tmp_path: Path, tiny_encoder: Encoder, count: int) -> None:
    skipped = LeftOut("nowhere.jpg", "skipped", "no_position", "it has no position")
    listing = photo_listing(tmp_path / "photos", count, [skipped])
    for place in listing.places:
        place.path.write_bytes(b"nothing")
    with pytest.raises(NothingUsable, match=r"left_out\.csv"):
        build_map(listing, tiny_encoder, tmp_path / "town", BuildOptions(max_rejected=1))
    assert not (tmp_path / "town").exists()
    assert (tmp_path / ".town.building/left_out.csv").read_text().count("\n") == count + 2


def test_a_picture_that_the_network_cannot_take_does_not_spoil_its_batch(tmp_path: Path) -> None:
    listing = photo_listing(tmp_path / "photos", 6)
    Image.new("RGB", (64, 64), "white").save(listing.places[2].path)
    encoder = Encoder(seeded_network(TINY_CONFIG, seed=7))
    forward = encoder._forward

    def spoil(images: torch.Tensor) -> Features:
        features = forward(images)
        is_white = images.amin(dim=(1, 2, 3)) > 2  # white is above 2 in every normalised channel
        features.global_features[is_white] = torch.nan
        return features

    encoder._forward = spoil
    options = BuildOptions(batch_size=3, segment_size=6, max_rejected=0.2)
    report = build_map(listing, encoder, tmp_path / "town", options)
    assert report.placed == 5
    assert [(entry["path"], entry["code"]) for entry in left_out_of(report.map_path)] == [
        ("02.jpg", "model_output_invalid")
    ]
    with PlaceMap.open(report.map_path) as place_map:
        assert place_map.places.ids == ["00.jpg", "01.jpg", "03.jpg", "04.jpg", "05.jpg"]


def test_a_disk_that_does_not_take_the_map_is_told_and_the_build_continues_later(
    tmp_path: Path, tiny_encoder: Encoder
) -> None:
    listing = photo_listing(tmp_path / "photos", 6)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))  # a segment's locals.npy has 476 kB
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


def test_options_out_of_range_are_refused() -> None:
    for options in ({"batch_size": 0}, {"segment_size": 0}, {"max_rejected": -0.1}, {"max_rejected": float("nan")}):
        with pytest.raises(InvalidInput):
            BuildOptions(**options)


@given(st.integers(0, 10_000_000))
def test_a_map_has_at_most_256_segments_unless_asked_for(pictures: int) -> None:
    size = BuildOptions().segment_size_for(pictures)
    assert size >= 256
    assert -(-pictures // size) <= 256


MEMORY = """
import resource, sys
from pathlib import Path
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.geo import LatLon
from model.network.initialisation import seeded_network
from model.places import Place
from tests.conftest import TINY_CONFIG

photos, out, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
places = tuple(Place(str(n), photos / f"{n % 8:02d}.jpg", LatLon(1, 2)) for n in range(count))
build_map(SourceListing(places, (), "exif folder", photos), Encoder(seeded_network(TINY_CONFIG)), out,
          BuildOptions(batch_size=8, segment_size=32))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    """384 pictures more are 231 MB of pixels and 46 MB of features; the peak must not show a fifth of that."""
    photo_listing(tmp_path / "photos", 8)
    peaks = []
    for count in (64, 448):
        finished = subprocess.run(
            [sys.executable, "-c", MEMORY, tmp_path / "photos", tmp_path / f"map{count}", str(count)],
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
            text=True,
        )
        peaks.append(int(finished.stdout))
    assert peaks[1] - peaks[0] < 50_000_000
