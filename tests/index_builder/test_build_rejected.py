"""Pictures that cannot be read or used: left out with a reason, or too many."""

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.errors import NothingUsable, TooManyRejected
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.features import Features
from model.selavpr.initialisation import seeded_network
from place_map.errors import BuildConflict
from place_map.left_out import LeftOut
from place_map.reader import PlaceMap
from tests.conftest import TINY_CONFIG
from tests.index_builder.map_factory import SMALL, left_out_of, photo_listing
from tests.index_builder.recorder import Recorder


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
