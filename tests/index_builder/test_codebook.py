"""A map with a codebook: learned once, before the first segment, and kept by everything that follows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from index_builder.build import build_map
from index_builder.changes.add import add_pictures
from index_builder.changes.compact import compact_map
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.sources.listing import SourceListing
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.images import open_image
from model.preprocess import preprocess
from place_map.codebook_entry import CodebookEntry
from place_map.errors import MapCorrupt
from place_map.manifest_parsing import parse_manifest
from place_map.reader import PlaceMap
from place_map.versions import read_manifest
from tests.index_builder.interruption import InterruptedAfter
from tests.index_builder.map_factory import SMALL, data_files, photo_listing

HALF_A_BIT = replace(SMALL, store="block16")
PICTURES = 10  # in segments of 4; the sample has all
BYTES = 3  # a block has three, and each is a step of learning


def interrupted(listing: SourceListing, encoder: Encoder, path: Path) -> Path:
    """Interrupt a build after its first segment, and return its plan."""
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, encoder, path, HALF_A_BIT, InterruptedAfter(PICTURES + BYTES + 9))
    return path.parent / f".{path.name}.building" / "plan.json"


def test_an_interrupted_build_goes_on_with_the_codebook_of_its_plan(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", PICTURES)
    build_map(listing, tiny_encoder, tmp_path / "at-once", HALF_A_BIT)
    expected = read_manifest(tmp_path / "at-once").features.local_codebook
    plan = interrupted(listing, tiny_encoder, tmp_path / "town")
    assert CodebookEntry.model_validate(json.loads(plan.read_text())["codebook"]) == expected
    build_map(listing, tiny_encoder, tmp_path / "town", HALF_A_BIT)
    assert read_manifest(tmp_path / "town").features.local_codebook == expected
    assert data_files(tmp_path / "town") == data_files(tmp_path / "at-once")


def test_it_is_not_learned_again(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", PICTURES)
    plan = interrupted(listing, tiny_encoder, tmp_path / "town")
    written = json.loads(plan.read_text())
    learned = CodebookEntry.model_validate(written["codebook"]).codes(tiny_encoder.local_grid, tiny_encoder.local_dim)
    other = CodebookEntry.of(replace(learned, entries=learned.entries[:, ::-1]))
    plan.write_text(json.dumps(written | {"codebook": other.model_dump() | {"sha256": "0" * 64}}))
    with pytest.raises(MapCorrupt, match="--restart"):
        build_map(listing, tiny_encoder, tmp_path / "town", HALF_A_BIT)
    plan.write_text(json.dumps(written | {"codebook": other.model_dump()}))
    build_map(listing, tiny_encoder, tmp_path / "town", HALF_A_BIT)
    assert read_manifest(tmp_path / "town").features.local_codebook == other


def test_changes_keep_the_codebook(tmp_path: Path, tiny_encoder: Encoder) -> None:
    path = tmp_path / "town"
    build_map(photo_listing(tmp_path / "photos", 5), tiny_encoder, path, HALF_A_BIT)
    codebook = read_manifest(path).features.local_codebook
    assert codebook is not None
    later = photo_listing(tmp_path / "later", 3)
    add_pictures(path, later, tiny_encoder, prefix="later/")
    remove_pictures(path, Selection(ids=("01.jpg",)))
    compact_map(path)
    assert read_manifest(path).features.local_codebook == codebook
    assert verify_map(path, encoder=tiny_encoder).is_good
    features = tiny_encoder.encode(torch.stack([preprocess(open_image(place.path)) for place in later.places]))
    with PlaceMap.open(path) as place_map:
        rows = np.array([place_map.places.row_of(f"later/{place.id}") for place in later.places])
        codec = place_map.manifest.features.local_codec
        assert torch.equal(place_map.local_features(rows), codec.round_trip(features.local_features))


def test_a_sample_passes_pictures_over_that_cannot_be_read(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", PICTURES)
    listing.places[3].path.write_bytes(b"\xff\xd8\xff not a picture")
    report = build_map(listing, tiny_encoder, tmp_path / "town", replace(HALF_A_BIT, max_rejected=0.5))
    assert (report.placed, report.rejected) == (PICTURES - 1, 1)
    assert verify_map(tmp_path / "town", encoder=tiny_encoder).is_good


def test_a_manifest_without_its_codebook_is_damaged(tmp_path: Path, tiny_encoder: Encoder) -> None:
    path = tmp_path / "town"
    build_map(photo_listing(tmp_path / "photos", 1), tiny_encoder, path, HALF_A_BIT)
    content = json.loads(read_manifest(path).to_json())
    for damage in ({"local_codebook": None}, {"local_store": "int8"}, {"local_dim": 15}):
        changed = content | {"features": content["features"] | damage}
        with pytest.raises(MapCorrupt, match="codebook"):
            parse_manifest(json.dumps(changed).encode(), path)
