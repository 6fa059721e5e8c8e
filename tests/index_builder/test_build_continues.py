"""A build that was interrupted or killed continues, and does nothing twice."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.preprocess import Preparation, Preprocessing
from model.selavpr.initialisation import seeded_network
from place_map.errors import BuildConflict
from tests.child_processes import child_context
from tests.conftest import TINY_CONFIG, write_photo
from tests.index_builder.interruption import InterruptedAfter
from tests.index_builder.killed_build import build_until
from tests.index_builder.map_factory import SMALL, data_files, left_out_of, photo_listing
from tests.index_builder.recorder import Recorder
from tests.waiting import PATIENCE_S

OFFICIAL_EVAL = Preparation(preprocessing=Preprocessing.OFFICIAL_EVAL)


def test_a_build_is_not_continued_with_another_store(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 8)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, InterruptedAfter(8))
    with pytest.raises(BuildConflict, match=r"store int8 \(now float32\)"):
        build_map(listing, tiny_encoder, tmp_path / "town", replace(SMALL, store="float32"))


class Undisturbed(NamedTuple):
    listing: SourceListing
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder) -> Undisturbed:
    """Return ten pictures, one of them broken, and the map of an undisturbed build."""
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
        build_map(undisturbed.listing, tiny_encoder, out, OPTIONS, InterruptedAfter(after))
    assert not out.exists()

    progress = Recorder()
    report = build_map(undisturbed.listing, tiny_encoder, out, OPTIONS, progress)

    assert data_files(out) == undisturbed.files
    assert progress.finished + progress.advanced_by == progress.total == 10
    assert report.encoded == 10 - progress.finished
    assert [entry["path"] for entry in left_out_of(out)] == ["03.jpg"]


@pytest.mark.parametrize("moment", ["rename1", "checkpoint1", "rename3", "checkpoint3", "version", "published"])
def test_a_killed_build_continues_to_the_same_bytes(
    tmp_path: Path, tiny_encoder: Encoder, undisturbed: Undisturbed, moment: str
) -> None:
    out = tmp_path / "town"
    killed = child_context().Process(target=build_until, args=(moment, undisturbed.listing, out, OPTIONS))
    killed.start()
    killed.join(PATIENCE_S)
    assert killed.exitcode == -signal.SIGKILL
    assert out.exists() == (moment == "published")

    report = build_map(undisturbed.listing, tiny_encoder, out, OPTIONS)

    assert data_files(out) == undisturbed.files
    assert report.encoded == {"rename1": 10, "checkpoint1": 6, "rename3": 2}.get(moment, 0)
    assert (report.placed, report.rejected) == (9, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["town"]


def test_pictures_that_changed_since_the_interruption_are_encoded_again(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 8)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, InterruptedAfter(8))
    write_photo(listing.places[1].path, seed=99)
    build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    build_map(listing, tiny_encoder, tmp_path / "fresh", SMALL)
    assert data_files(tmp_path / "town") == data_files(tmp_path / "fresh")


def test_a_finished_segment_that_was_damaged_is_encoded_again(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 12)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, InterruptedAfter(12))
    locals_path = tmp_path / ".town.building/map/segments/000001/locals.npy"
    content = bytearray(locals_path.read_bytes())
    content[5000] ^= 1
    locals_path.write_bytes(content)
    build_map(listing, tiny_encoder, tmp_path / "town", SMALL)
    build_map(listing, tiny_encoder, tmp_path / "fresh", SMALL)
    assert data_files(tmp_path / "town") == data_files(tmp_path / "fresh")


def test_a_finished_segment_that_lost_its_thumbnails_is_encoded_again(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 12)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, InterruptedAfter(12))
    (tmp_path / ".town.building/map/segments/000001/thumbnails.mjpeg").unlink()
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
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, InterruptedAfter(8))
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
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, InterruptedAfter(8))
    others = [
        (listing, Encoder(seeded_network(TINY_CONFIG, seed=8)), "network"),
        (
            listing,
            Encoder(seeded_network(TINY_CONFIG, seed=7), "cpu", Preparation(preprocessing=Preprocessing.OFFICIAL_EVAL)),
            "preprocessing",
        ),
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
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, InterruptedAfter(12))
    options = BuildOptions(batch_size=2, segment_size=4, max_rejected=1.0, index="HNSW8")
    report = build_map(listing, tiny_encoder, tmp_path / "town", options)
    assert report.encoded < 12
