"""Versions share a codebook, and the codes of the segments that they share, whatever happens while one is made."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from index_builder import staging
from index_builder.build import build_map
from index_builder.changes.add import add_pictures
from index_builder.changes.compact import compact_map
from index_builder.changes.prune import abandon_change, prune_versions
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.description.sizes import measure_sizes
from index_builder.verify import verify_map
from model.durable import rename_durably
from model.encoder import Encoder
from place_map import layout
from place_map.activation import roll_back
from place_map.errors import MapCorrupt
from place_map.global_index import index_bytes, open_searcher
from place_map.reader import PlaceMap
from place_map.versions import list_versions, read_manifest
from tests.index_builder.map_factory import SMALL, data_files, photo_listing

OPTIONS = replace(SMALL, index="SQ8")


def codes_of(town: Path) -> dict[str, bytes]:
    return {name: content for name, content in data_files(town).items() if name.startswith("codes/")}


def built(folder: Path, encoder: Encoder, count: int) -> Path:
    return build_map(photo_listing(folder / "photos", count), encoder, folder / "maps" / "town", OPTIONS).map_path


def check_good_and_found(town: Path) -> None:
    assert verify_map(town).problems == ()
    assert [path.name for path in town.parent.iterdir()] == [town.name]
    with PlaceMap.open(town) as place_map:
        queries = torch.from_numpy(place_map.global_features(np.arange(len(place_map))))
        found = open_searcher(place_map, "cpu").search(queries, 1).rows[:, 0]
        np.testing.assert_array_equal(found, np.arange(len(place_map)))


def test_a_change_writes_codes_for_its_own_segments_alone(tmp_path: Path, tiny_encoder: Encoder) -> None:
    town = built(tmp_path, tiny_encoder, 6)
    first = codes_of(town)
    assert set(first) == {"codes/000001/codebook.faiss", "codes/000001/000001.npy", "codes/000001/000002.npy"}
    before = {path: path.stat().st_mtime_ns for path in town.rglob("*") if path.is_file() and path.name != "CURRENT"}
    add_pictures(town, photo_listing(tmp_path / "more", 3), tiny_encoder, OPTIONS, prefix="more/")
    assert set(codes_of(town)) == {*first, "codes/000001/000003.npy"}
    remove_pictures(town, Selection(ids=("00.jpg", "more/01.jpg")))
    assert set(codes_of(town)) == {*first, "codes/000001/000003.npy"}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    check_good_and_found(town)
    assert [version.own_bytes > 100 for version in list_versions(town)] == [True, True, True]
    roll_back(town)
    check_good_and_found(town)
    compact_map(town, OPTIONS)
    with PlaceMap.open(town) as place_map:
        sizes = measure_sizes(town, place_map.manifest)
    on_disk = {file: file.stat().st_size for file in town.rglob("*") if file.is_file()}
    pointers = [town / "CURRENT", *(town / "versions" / read_manifest(town).version).glob("manifest.json*")]
    assert sizes.version + sizes.beside == sum(on_disk.values()) - sum(on_disk[file] for file in pointers)
    free_bytes = prune_versions(town, keep=1).freed_bytes
    assert free_bytes > 0
    check_good_and_found(town)
    manifest = read_manifest(town)
    assert set(codes_of(town)) == set(manifest.index.files(manifest.version))


def test_a_binary_index_is_one_file_with_a_bit_a_number(tmp_path: Path, tiny_encoder: Encoder) -> None:
    options = replace(OPTIONS, index="binary")
    town = build_map(photo_listing(tmp_path / "photos", 3), tiny_encoder, tmp_path / "maps" / "town", options).map_path
    add_pictures(town, photo_listing(tmp_path / "more", 2), tiny_encoder, OPTIONS, prefix="more/")
    index = read_manifest(town).index
    assert (index.factory, index.requested) == (f"RR{tiny_encoder.global_dim},RaBitQfs", "binary")
    with PlaceMap.open(town) as place_map:
        width = tiny_encoder.global_dim
        assert index_bytes(place_map) < 4 * width**2 + 32 * (width // 8 + 8) + 2000  # the rotation, 32 codes at least
    check_good_and_found(town)


def test_a_map_that_has_grown_gets_another_codebook(tmp_path: Path, tiny_encoder: Encoder) -> None:
    town = built(tmp_path, tiny_encoder, 2)
    add_pictures(town, photo_listing(tmp_path / "more", 7), tiny_encoder, OPTIONS, prefix="more/")
    codes = read_manifest(town).index.codes
    assert codes is not None
    assert (codes.number, codes.pictures) == ("000002", 9)
    check_good_and_found(town)
    prune_versions(town, keep=1)
    assert {path.name for path in (town / layout.CODES).iterdir()} == {"000002"}
    check_good_and_found(town)


def test_damaged_codes_are_not_kept(tmp_path: Path, tiny_encoder: Encoder) -> None:
    town = built(tmp_path, tiny_encoder, 6)
    file = town / "codes/000001/000001.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(MapCorrupt, match=r"codes/000001/000001\.npy has changed"):
        add_pictures(town, photo_listing(tmp_path / "more", 1), tiny_encoder, OPTIONS, prefix="more/")
    assert read_manifest(town).version == "000001"


class Killed(BaseException):
    """Stand for a process that is gone."""


@pytest.mark.parametrize("count", [6, 1], ids=["the codebook stays", "a new codebook"])
def test_a_change_that_is_killed_at_any_rename_is_finished_or_thrown_away(
    count: int, tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = built(tmp_path, tiny_encoder, count)
    more = photo_listing(tmp_path / "more", 5)
    before = data_files(town)

    def add(path: Path) -> None:
        add_pictures(path, more, tiny_encoder, OPTIONS, prefix="more/")

    whole = Path(shutil.copytree(town, tmp_path / "whole" / "town"))
    renames = count_renames(monkeypatch, lambda: add(whole))
    assert renames == 2 + 2 + (2 if count == 6 else 4) + 1  # segments twice, codes, the version
    after = data_files(whole)
    for killed_at in range(1, renames + 1):
        for then in ("again", "abandon"):
            trial = Path(shutil.copytree(town, tmp_path / f"{then} {killed_at}" / "town"))
            with monkeypatch.context() as patched:
                patched.setattr(staging, "rename_durably", killed_before(killed_at))
                with pytest.raises(Killed):
                    add(trial)
            with PlaceMap.open(trial) as place_map:
                assert (place_map.version, len(place_map)) == ("000001", count)
                open_searcher(place_map, "cpu")
            if then == "again":
                add(trial)
                assert data_files(trial) == after
            else:
                abandon_change(trial)
                assert data_files(trial) == before
            check_good_and_found(trial)


def count_renames(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> int:
    calls: list[Path] = []

    def counting(source: Path, target: Path) -> None:
        calls.append(source)
        rename_durably(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(staging, "rename_durably", counting)
        act()
    return len(calls)


def killed_before(number: int) -> Callable[[Path, Path], None]:
    calls = [0]

    def rename(source: Path, target: Path) -> None:
        calls[0] += 1
        if calls[0] == number:
            raise Killed
        rename_durably(source, target)

    return rename
