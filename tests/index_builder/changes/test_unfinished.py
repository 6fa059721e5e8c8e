"""Remains of changes that were killed or given up, and repeated calls."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from index_builder.changes.prune import abandon_change, prune_versions
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.changes.update import update_map
from index_builder.sources.listing import SourceListing
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.errors import InvalidInput, StorageError
from model.progress import SilentProgress
from place_map import layout
from place_map.errors import BuildConflict, MapCorrupt, MapNotFound
from place_map.reader import PlaceMap
from place_map.unfinished import clean_up_beside
from place_map.versions import existing_versions
from tests.conftest import write_photo
from tests.index_builder.interruption import InterruptedAfter
from tests.index_builder.map_factory import SMALL, build_small, data_files, photo_listing

FORGIVING = BuildOptions(batch_size=2, segment_size=4, max_rejected=0.1)


@pytest.fixture
def town(tmp_path: Path, tiny_encoder: Encoder) -> Path:
    return build_small(tmp_path, tiny_encoder, count=6).map_path


def with_a_broken_one(folder: Path, count: int) -> SourceListing:
    listing = photo_listing(folder, count)
    listing.places[3].path.write_bytes(b"no picture")
    return listing


def check_good_and_alone(town: Path) -> None:
    assert verify_map(town).problems == ()
    assert [path.name for path in town.parent.iterdir()] == [town.name]


def test_a_picture_that_was_rejected_is_no_difference(tmp_path: Path, tiny_encoder: Encoder) -> None:
    """One of all ten may be rejected, and not one of those that are looked at again."""
    town = tmp_path / "maps" / "town"
    listing = with_a_broken_one(tmp_path / "photos", 10)
    build_map(listing, tiny_encoder, town, FORGIVING)
    again = update_map(town, listing, tiny_encoder, FORGIVING)
    assert (again.version, again.is_new, again.counts.rejected) == ("000001", False, 1)
    write_photo(listing.places[5].path, seed=99)
    changed = update_map(town, listing, tiny_encoder, FORGIVING)
    assert (changed.version, changed.change.replaced, changed.counts.rejected) == ("000002", 1, 1)
    write_photo(listing.places[3].path, seed=3)
    repaired = update_map(town, listing, tiny_encoder, FORGIVING)
    assert (repaired.change.added, repaired.counts.placed, repaired.counts.rejected) == (1, 10, 0)
    check_good_and_alone(town)


def test_what_was_added_is_not_added_again(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    more = with_a_broken_one(tmp_path / "more", 10)
    options = replace(FORGIVING, max_rejected=0.5)
    for _ in range(2):
        assert add_pictures(town, more, tiny_encoder, options, skip_existing=True).version == "000002"
        assert existing_versions(town) == ["000001", "000002"]
        check_good_and_alone(town)


def test_what_was_removed_need_not_be_there_to_be_removed(town: Path) -> None:
    """A command that was killed when all was done is given again; another one is not taken for it."""
    for _ in range(2):
        assert remove_pictures(town, Selection(ids=("00.jpg", "04.jpg"))).version == "000002"
    for ids in (("00.jpg",), ("00.jpg", "99.jpg"), ("00.jpg", "01.jpg")):
        with pytest.raises(InvalidInput, match="ids are not in"):
            remove_pictures(town, Selection(ids=ids))
    assert existing_versions(town) == ["000001", "000002"]


def test_segments_without_a_plan_are_not_continued(tmp_path: Path, tiny_encoder: Encoder) -> None:
    """A run that throws work away removes the plan first. If it is killed then, nobody knows what the rest was for."""
    listing = photo_listing(tmp_path / "photos", 12)
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, tmp_path / "town", SMALL, InterruptedAfter(12))
    (tmp_path / ".town.building" / "plan.json").unlink()
    build_map(listing, tiny_encoder, tmp_path / "town", replace(SMALL, store="float32"))
    build_map(listing, tiny_encoder, tmp_path / "fresh", replace(SMALL, store="float32"))
    assert data_files(tmp_path / "town") == data_files(tmp_path / "fresh")


def test_changes_without_a_plan_are_not_continued(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    more = photo_listing(tmp_path / "more", 12)
    with pytest.raises(KeyboardInterrupt):
        add_pictures(town, more, tiny_encoder, SMALL, InterruptedAfter(12), prefix="a/")
    assert any((town.parent / ".town.building" / "checkpoints").iterdir())
    (town.parent / ".town.building" / "plan.json").unlink()
    add_pictures(town, more, tiny_encoder, SMALL, prefix="b/")
    with PlaceMap.open(town) as place_map:
        assert [place_id[:2] for place_id in place_map.places.ids[6:]] == ["b/"] * 12
    check_good_and_alone(town)


def test_an_unfinished_change_is_in_the_way_until_it_is_abandoned(
    town: Path, tmp_path: Path, tiny_encoder: Encoder
) -> None:
    more = photo_listing(tmp_path / "more", 12)
    before = data_files(town)
    with pytest.raises(KeyboardInterrupt):
        add_pictures(town, more, tiny_encoder, SMALL, InterruptedAfter(12), prefix="a/")
    with pytest.raises(BuildConflict, match=r"unfinished add, .* placefix map abandon"):
        add_pictures(town, more, tiny_encoder, SMALL, prefix="b/")
    with pytest.raises(BuildConflict, match="unfinished add"):
        prune_versions(town, keep=1)
    (town / "CURRENT.pending").write_text("half a li")
    assert abandon_change(town)
    assert data_files(town) == before
    check_good_and_alone(town)
    assert not abandon_change(town)


@pytest.mark.parametrize("gone", [(), (layout.MANIFEST,)])
def test_a_version_that_is_half_published_leaves_its_number_free(town: Path, gone: tuple[str, ...]) -> None:
    """Without segments of its own there is nothing to continue, and the change is made anew."""
    first = remove_pictures(town, Selection(ids=("00.jpg",)))
    # As though it had been killed before CURRENT was moved.
    pointer = layout.version_dir(town, "000001") / layout.POINTER
    (town / layout.CURRENT).write_bytes(pointer.read_bytes())
    for name in gone:  # and again, while the version was removed
        (layout.version_dir(town, first.version) / name).unlink()
    staging = town.parent / ".town.building"
    staging.mkdir()
    plan = f'{{"kind": "remove", "version": "{first.version}", "first_segment": 3}}'
    (staging / "plan.json").write_text(plan)
    assert remove_pictures(town, Selection(ids=("01.jpg",))).version == first.version
    check_good_and_alone(town)


def test_a_version_that_was_half_removed_is_removed(town: Path) -> None:
    remove_pictures(town, Selection(ids=("00.jpg",)))
    (layout.version_dir(town, "000001") / layout.MANIFEST).unlink()
    prune_versions(town, versions=["1"])
    assert [path.name for path in (town / layout.VERSIONS).iterdir()] == ["000002"]
    check_good_and_alone(town)
    with pytest.raises(InvalidInput, match="no version 000001"):
        prune_versions(town, versions=["1"])


class AtTheIndex(SilentProgress):
    """Call a function when the index is written, after all checks that come before it."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def message(self, text: str) -> None:
        if text.startswith("writing the index"):
            self._act()


def cutting(path: Path) -> AtTheIndex:
    return AtTheIndex(lambda: os.truncate(path, 1000))


def test_a_version_that_cannot_be_opened_is_not_published(town: Path) -> None:
    before = (town / layout.CURRENT).read_bytes()
    shared = layout.segment_dir(town, "000002") / layout.LOCALS
    content = shared.read_bytes()
    with pytest.raises(MapCorrupt, match=r"locals\.npy"):
        remove_pictures(town, Selection(ids=("00.jpg",)), cutting(shared))
    assert (town / layout.CURRENT).read_bytes() == before
    shared.write_bytes(content)
    assert remove_pictures(town, Selection(ids=("00.jpg",))).version == "000002"
    check_good_and_alone(town)


def test_a_map_that_cannot_be_opened_is_not_published(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing, town = photo_listing(tmp_path / "photos", 5), tmp_path / "maps" / "town"
    staged = town.parent / ".town.building" / "map" / "segments" / "000002" / layout.LOCALS
    with pytest.raises(MapCorrupt, match=r"locals\.npy"):
        build_map(listing, tiny_encoder, town, SMALL, cutting(staged))
    assert not town.exists()
    assert build_map(listing, tiny_encoder, town, SMALL).encoded == 1
    check_good_and_alone(town)


def test_a_map_that_appears_while_another_is_built_is_left_alone(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing, town = photo_listing(tmp_path / "photos", 5), tmp_path / "town"
    other = build_small(tmp_path / "elsewhere", tiny_encoder, 3).map_path
    before = data_files(other)
    with pytest.raises(StorageError, match="nothing was published"):
        build_map(listing, tiny_encoder, town, SMALL, AtTheIndex(lambda: other.rename(town)))
    assert data_files(town) == before
    assert verify_map(town).is_good


def test_an_unfinished_build_is_abandoned(tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing, town = photo_listing(tmp_path / "photos", 8), tmp_path / "maps" / "town"
    with pytest.raises(KeyboardInterrupt):
        build_map(listing, tiny_encoder, town, SMALL, InterruptedAfter(8))
    assert abandon_change(town)
    assert list(town.parent.iterdir()) == []
    with pytest.raises(MapNotFound):
        abandon_change(town)


def test_an_unfinished_build_beside_another_map_takes_nothing_from_it(tmp_path: Path, tiny_encoder: Encoder) -> None:
    """Somebody has put a map where the build was to appear: its versions are not those of the build."""
    town = tmp_path / "town"
    with pytest.raises(KeyboardInterrupt):
        build_map(photo_listing(tmp_path / "photos", 8), tiny_encoder, town, SMALL, InterruptedAfter(8))
    build_small(tmp_path / "elsewhere", tiny_encoder, 3).map_path.rename(town)
    with pytest.raises(BuildConflict, match=r"unfinished build.* placefix map abandon"):
        remove_pictures(town, Selection(ids=("00.jpg",)))
    before = data_files(town)
    assert abandon_change(town)
    assert data_files(town) == before
    assert verify_map(town).is_good


def test_an_empty_directory_beside_a_map_is_removed(town: Path) -> None:
    (town.parent / ".town.building").mkdir()
    clean_up_beside(town)
    check_good_and_alone(town)
