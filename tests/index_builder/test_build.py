"""The content of a map after its build."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.errors import (
    InvalidInput,
)
from model.geo import LatLon
from model.images import open_image
from model.places import Place
from model.preprocess import preprocess
from model.selavpr.initialisation import seeded_network
from place_map.local_codec import STORES, StoreType, global_type
from place_map.manifest import FeatureShapes
from place_map.reader import PlaceMap
from tests.conftest import TINY_CELLS, TINY_CONFIG, write_photo
from tests.index_builder.map_factory import SMALL, build_small, data_files, photo_listing


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
        assert place_map.manifest.features.bytes_per_picture == 4 * (64 + TINY_CELLS * 16)
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
        shapes = place_map.manifest.features
        assert torch.equal(
            place_map.local_features(np.arange(3)), shapes.local_codec.round_trip(features.local_features)
        )
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


@pytest.mark.parametrize(("local_features", "grid"), [("coarse", (8, 8)), ("none", (0, 0))])
def test_networks_of_other_shapes_build_maps(
    tmp_path: Path, local_features: Literal["coarse", "none"], grid: tuple[int, int]
) -> None:
    encoder = Encoder(seeded_network(replace(TINY_CONFIG, local_features=local_features), seed=3))
    report = build_map(photo_listing(tmp_path / "photos", 5), encoder, tmp_path / "town", SMALL)
    assert verify_map(report.map_path, encoder=encoder).is_good
    with PlaceMap.open(report.map_path) as place_map:
        assert place_map.manifest.features.local_grid == grid
        assert place_map.local_features(np.arange(5)).shape == (5, grid[0] * grid[1], encoder.local_dim)


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
    assert not list((tmp_path / "town").rglob("thumbnails*"))


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


def test_options_out_of_range_are_refused() -> None:
    for options in ({"batch_size": 0}, {"segment_size": 0}, {"max_rejected": -0.1}, {"max_rejected": float("nan")}):
        with pytest.raises(InvalidInput):
            BuildOptions(**options)


@given(st.integers(0, 200_000_000))
def test_a_map_has_few_segments_as_long_as_none_is_too_large(pictures: int) -> None:
    size = BuildOptions().segment_size_for(pictures)
    assert size in (256, 512, 1024, 2048, 4096, 8192, 16_384)
    assert -(-pictures // size) <= 256 or size == 16_384
    assert size == 256 or pictures > 256 * size / 2
