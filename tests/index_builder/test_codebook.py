"""A map with a codebook: learned once, before the first segment, and kept by everything that follows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from index_builder.build import build_map
from index_builder.changes.add import add_pictures
from index_builder.changes.compact import compact_map
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.sources.listing import SourceListing
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.errors import InvalidInput
from model.images import open_image
from model.preprocess import preprocess
from model.rerankers.mutual_matches import MutualMatchReranker
from model.rerankers.registry import RERANKERS
from place_map.code_learning import learn_codes
from place_map.codebook_entry import CodebookEntry
from place_map.errors import MapCorrupt
from place_map.manifest_parsing import parse_manifest
from place_map.reader import PlaceMap
from place_map.versions import read_manifest
from tests.index_builder.interruption import InterruptedAfter
from tests.index_builder.map_factory import SMALL, data_files, photo_listing

ONE_BIT = replace(SMALL, store="pq1")
PICTURES = 10  # in segments of 4; the sample has all


def interrupted(listing: SourceListing, encoder: Encoder, path: Path) -> Path:
    """Interrupt a build after its first segment, and return its plan."""
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, encoder, path, ONE_BIT, InterruptedAfter(PICTURES + 9))
    return path.parent / f".{path.name}.building" / "plan.json"


def test_an_interrupted_build_goes_on_with_the_codebook_of_its_plan(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", PICTURES)
    build_map(listing, tiny_encoder, tmp_path / "at-once", ONE_BIT)
    expected = read_manifest(tmp_path / "at-once").features.local_codebook
    plan = interrupted(listing, tiny_encoder, tmp_path / "town")
    assert CodebookEntry.model_validate(json.loads(plan.read_text())["codebook"]) == expected
    build_map(listing, tiny_encoder, tmp_path / "town", ONE_BIT)
    assert read_manifest(tmp_path / "town").features.local_codebook == expected
    assert data_files(tmp_path / "town") == data_files(tmp_path / "at-once")


def test_it_is_not_learned_again(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", PICTURES)
    plan = interrupted(listing, tiny_encoder, tmp_path / "town")
    noise = normalize(torch.randn(300, 16, generator=torch.Generator().manual_seed(0)), dim=-1)
    other = CodebookEntry.of(learn_codes(noise, 1))
    written = json.loads(plan.read_text())
    plan.write_text(json.dumps(written | {"codebook": other.model_dump() | {"sha256": "0" * 64}}))
    with pytest.raises(MapCorrupt, match="--restart"):
        build_map(listing, tiny_encoder, tmp_path / "town", ONE_BIT)
    plan.write_text(json.dumps(written | {"codebook": other.model_dump()}))
    build_map(listing, tiny_encoder, tmp_path / "town", ONE_BIT)
    assert read_manifest(tmp_path / "town").features.local_codebook == other


def test_changes_keep_the_codebook(tmp_path: Path, tiny_encoder: Encoder) -> None:
    path = tmp_path / "town"
    build_map(photo_listing(tmp_path / "photos", 5), tiny_encoder, path, ONE_BIT)
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
    report = build_map(listing, tiny_encoder, tmp_path / "town", replace(ONE_BIT, max_rejected=0.5))
    assert (report.placed, report.rejected) == (PICTURES - 1, 1)
    assert verify_map(tmp_path / "town", encoder=tiny_encoder).is_good


def test_a_manifest_without_its_codebook_is_damaged(tmp_path: Path, tiny_encoder: Encoder) -> None:
    path = tmp_path / "town"
    build_map(photo_listing(tmp_path / "photos", 1), tiny_encoder, path, ONE_BIT)
    content = json.loads(read_manifest(path).to_json())
    for damage in ({"local_codebook": None}, {"local_store": "int8"}, {"local_dim": 15}):
        changed = content | {"features": content["features"] | damage}
        with pytest.raises(MapCorrupt, match="codebook"):
            parse_manifest(json.dumps(changed).encode(), path)


class Unrotated(MutualMatchReranker):
    """Stand for a re-ranker that reads features channel by channel."""

    name = "unrotated"
    takes_rotated = False


def test_a_re_ranker_that_needs_the_network_s_own_features_is_refused_before_the_work(
    tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.rerankers.registry.RERANKERS", {**RERANKERS, Unrotated.name: Unrotated})
    listing = photo_listing(tmp_path / "photos", 1)
    with pytest.raises(InvalidInput, match="--store pq1 rotates local features"):
        build_map(listing, tiny_encoder, tmp_path / "town", replace(ONE_BIT, reranker=Unrotated.name))
    assert not list(tmp_path.glob("*town*"))
