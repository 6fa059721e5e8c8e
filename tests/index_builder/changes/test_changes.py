"""Each change of a map: the content of the new version, the work for it, and its refusals."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from index_builder.changes.area import Area
from index_builder.changes.compact import compact_map
from index_builder.changes.prune import prune_versions
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.changes.up_to_date import is_up_to_date
from index_builder.changes.update import update_map
from index_builder.errors import NothingUsable
from index_builder.sources.listing import SourceListing
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.errors import InvalidInput
from model.geo import LatLon
from place_map.activation import activate_version, roll_back
from place_map.errors import MapBusy
from place_map.reader import PlaceMap
from place_map.versions import existing_versions, list_versions
from tests.conftest import write_photo
from tests.index_builder.map_factory import SMALL, build_small, photo_listing


@pytest.fixture
def town(tmp_path: Path, tiny_encoder: Encoder) -> Path:
    """Return a map of six pictures, in segments of four and two."""
    return build_small(tmp_path, tiny_encoder, count=6).map_path


def listing_of(folder: Path, numbers: Sequence[int]) -> SourceListing:
    """Return photos of ``photo_listing`` with these numbers, in another folder."""
    whole = photo_listing(folder, max(numbers) + 1)
    return replace(whole, places=tuple(whole.places[number] for number in numbers))


def ids(map_dir: Path, version: str | None = None) -> list[str]:
    with PlaceMap.open(map_dir, version) as place_map:
        return place_map.places.ids


def segments(map_dir: Path) -> list[tuple[str, int, tuple[int, ...]]]:
    with PlaceMap.open(map_dir) as place_map:
        return [(each.id, each.rows, each.dead_rows) for each in place_map.manifest.segments]


def test_added_pictures_are_a_new_segment_of_a_new_version(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    before = {path: path.stat().st_mtime_ns for path in (town / "segments").rglob("*")}
    report = add_pictures(town, listing_of(tmp_path / "more", range(6, 9)), tiny_encoder, SMALL)
    assert (report.version, report.parent, report.encoded) == ("000002", "000001", 3)
    assert (report.change.added, report.change.removed, report.counts.placed) == (3, 0, 9)
    assert ids(town) == [f"{number:02d}.jpg" for number in range(9)]
    assert segments(town) == [("000001", 4, ()), ("000002", 2, ()), ("000003", 3, ())]
    assert ids(town, "1") == [f"{number:02d}.jpg" for number in range(6)]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert verify_map(town).is_good
    assert not [path for path in town.parent.iterdir() if path != town]


def test_ids_that_are_there_already_need_a_word(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = listing_of(tmp_path / "more", range(4, 8))
    with pytest.raises(InvalidInput, match=r"2 of 4 pictures have ids.*'04.jpg'.*--skip-existing.*--prefix"):
        add_pictures(town, listing, tiny_encoder, SMALL)
    assert existing_versions(town) == ["000001"]
    assert add_pictures(town, listing, tiny_encoder, SMALL, skip_existing=True).change.added == 2
    assert add_pictures(town, listing, tiny_encoder, SMALL, prefix="b/").change.added == 4
    assert ids(town)[-4:] == ["b/04.jpg", "b/05.jpg", "b/06.jpg", "b/07.jpg"]
    assert verify_map(town).is_good


def test_removed_pictures_are_dead_rows(town: Path) -> None:
    report = remove_pictures(town, Selection(ids=("01.jpg", "04.jpg")))
    assert (report.change.removed, report.counts.placed, report.encoded) == (2, 4, 0)
    assert ids(town) == ["00.jpg", "02.jpg", "03.jpg", "05.jpg"]
    assert segments(town) == [("000001", 4, (1,)), ("000002", 2, (0,))]
    assert verify_map(town).is_good
    remove_pictures(town, Selection(ids=("05.jpg",)))
    assert segments(town) == [("000001", 4, (1,))]


def test_pictures_are_removed_by_area_and_by_time(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    assert remove_pictures(town, Selection(area=Area.box(13, 55.0005, 14, 55.0025))).change.removed == 2
    assert ids(town) == ["00.jpg", "03.jpg", "04.jpg", "05.jpg"]
    listing = listing_of(tmp_path / "dated", range(6, 9))
    dated = [replace(place, time=datetime(2026, 1, 1 + number)) for number, place in enumerate(listing.places)]
    add_pictures(town, replace(listing, places=tuple(dated)), tiny_encoder, SMALL)
    assert remove_pictures(town, Selection(taken_before=datetime(2026, 1, 2))).change.removed == 1
    assert remove_pictures(town, Selection(taken_after=datetime(2026, 1, 3))).change.removed == 1
    assert ids(town) == ["00.jpg", "03.jpg", "04.jpg", "05.jpg", "07.jpg"]
    nothing = remove_pictures(town, Selection(taken_before=datetime(2000, 1, 1)))
    assert (nothing.version, existing_versions(town)[-1]) == ("000005", "000005")
    assert verify_map(town).is_good


def test_what_is_not_there_cannot_be_removed(town: Path) -> None:
    with pytest.raises(InvalidInput, match=r"1 of 2 ids are not in .*'99.jpg'"):
        remove_pictures(town, Selection(ids=("01.jpg", "99.jpg")))
    with pytest.raises(InvalidInput, match="all 6 pictures"):
        remove_pictures(town, Selection(area=Area.box(-180, -90, 180, 90)))
    with pytest.raises(InvalidInput, match="nothing is selected"):
        Selection()
    assert existing_versions(town) == ["000001"]


def test_a_map_follows_its_collection(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    """One picture changed, one moved on the Earth, one was renamed, one is gone, one is new; two are as they were."""
    photos = tmp_path / "photos"
    listing = photo_listing(photos, 7)
    write_photo(photos / "01.jpg", seed=101)
    (photos / "03.jpg").rename(photos / "3.jpg")
    places = {place.id: place for place in listing.places}
    places["02.jpg"] = replace(places["02.jpg"], position=LatLon(56, 13))
    places["03.jpg"] = replace(places["03.jpg"], id="3.jpg", path=photos / "3.jpg")
    del places["04.jpg"]
    now = replace(listing, places=tuple(places.values()))
    report = update_map(town, now, tiny_encoder, SMALL)
    assert (report.encoded, report.change.added, report.change.removed, report.change.replaced) == (2, 2, 2, 2)
    assert sorted(ids(town)) == ["00.jpg", "01.jpg", "02.jpg", "05.jpg", "06.jpg", "3.jpg"]
    with PlaceMap.open(town) as place_map:
        row = place_map.places.row_of("02.jpg")
        assert row is not None
        assert place_map.places[row].position == LatLon(56, 13)
    assert verify_map(town, encoder=tiny_encoder).is_good
    again = update_map(town, now, tiny_encoder, SMALL)
    assert (again.version, again.encoded) == (report.version, 0)


def test_another_collection_is_not_taken_for_the_maps(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    with pytest.raises(InvalidInput, match=r"none of the sources.*--source-number"):
        update_map(town, listing_of(tmp_path / "more", range(3)), tiny_encoder, SMALL)
    shutil.copytree(tmp_path / "photos", tmp_path / "moved")
    moved = photo_listing(tmp_path / "photos", 6)
    places = [replace(place, path=tmp_path / "moved" / place.id) for place in moved.places]
    moved = replace(moved, root=tmp_path / "moved", places=tuple(places))
    report = update_map(town, moved, tiny_encoder, SMALL, source=0)
    assert (report.encoded, report.version) == (0, "000001")
    with pytest.raises(InvalidInput, match="has 1 sources, counted from 0; none is 1"):
        update_map(town, moved, tiny_encoder, SMALL, source=1)


def test_a_build_is_up_to_date_only_if_all_that_was_asked_for_is_the_same(
    town: Path, tmp_path: Path, tiny_encoder: Encoder
) -> None:
    listing = photo_listing(tmp_path / "photos", 6)
    again = build_map(listing, tiny_encoder, town, SMALL)
    assert (again.version, again.placed, again.encoded, again.is_new) == ("000001", 6, 0, False)
    for other in ({"index": "SQfp16"}, {"store": "float16"}, {"thumbnails": False}):
        assert not is_up_to_date(town, [listing], tiny_encoder, replace(SMALL, **other))
    fewer = replace(listing, places=listing.places[:5])
    assert not is_up_to_date(town, [fewer], tiny_encoder, SMALL)
    write_photo(tmp_path / "photos" / "03.jpg", seed=99)
    assert not is_up_to_date(town, [listing], tiny_encoder, SMALL)


def test_compacting_copies_what_is_loose(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    add_pictures(town, listing_of(tmp_path / "photos", range(6, 8)), tiny_encoder, SMALL, skip_existing=True)
    remove_pictures(town, Selection(ids=("05.jpg",)))
    before = ids(town)
    with PlaceMap.open(town) as place_map:
        features = place_map.global_features(np.arange(len(place_map)))
    report = compact_map(town, SMALL)
    assert (report.encoded, report.change.kind) == (0, "compact")
    assert ids(town) == before
    assert segments(town) == [("000001", 4, ()), ("000004", 3, ())]
    with PlaceMap.open(town) as place_map:
        assert (place_map.global_features(np.arange(len(place_map))) == features).all()
    assert verify_map(town, encoder=tiny_encoder).is_good
    assert compact_map(town, SMALL).version == report.version


def test_versions_are_served_again_and_removed(town: Path) -> None:
    remove_pictures(town, Selection(ids=("00.jpg",)))
    remove_pictures(town, Selection(ids=("01.jpg",)))
    assert [(each.manifest.version, each.is_current) for each in list_versions(town)] == [
        ("000001", False),
        ("000002", False),
        ("000003", True),
    ]
    assert roll_back(town).after == "000002"
    assert activate_version(town, "1").before == "000002"
    assert len(ids(town)) == 6
    with pytest.raises(InvalidInput, match="is the first"):
        roll_back(town)
    with pytest.raises(InvalidInput, match="no version 000007"):
        activate_version(town, "7")
    with pytest.raises(InvalidInput, match="is served; activate"):
        prune_versions(town, versions=["1"])
    pruned = prune_versions(town, versions=["2", "3"])
    assert (pruned.versions, pruned.segments) == (("000002", "000003"), ())
    assert verify_map(town).is_good
    assert remove_pictures(town, Selection(ids=("02.jpg",))).version == "000004"
    assert verify_map(town).is_good


def test_a_version_that_is_read_is_not_removed(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    reader = PlaceMap.open(town)
    remove_pictures(town, Selection(ids=("00.jpg", "01.jpg", "02.jpg", "03.jpg")))
    compact_map(town, SMALL)
    with pytest.raises(MapBusy, match=r"000001 .* is being read"):
        prune_versions(town, keep=1)
    assert existing_versions(town) == ["000001", "000002"]
    assert reader.places.ids[0] == "00.jpg"
    reader.close()
    pruned = prune_versions(town, keep=1)
    assert (pruned.versions, pruned.segments) == (("000001",), ("000001",))
    assert pruned.freed_bytes > 0
    assert verify_map(town).is_good
    added = add_pictures(town, listing_of(tmp_path / "photos", [0]), tiny_encoder, SMALL, skip_existing=True)
    assert added.version == "000003"
    assert segments(town)[-1][0] == "000003"


def test_a_collection_that_has_lost_much_is_not_followed_blindly(
    town: Path, tmp_path: Path, tiny_encoder: Encoder
) -> None:
    listing = photo_listing(tmp_path / "photos", 6)
    rest = replace(listing, places=listing.places[:4])
    with pytest.raises(InvalidInput, match=r"2 of 6 pictures are not in .* the first is 04.jpg. Is a disk not mounted"):
        update_map(town, rest, tiny_encoder, SMALL)
    assert existing_versions(town) == ["000001"]
    assert update_map(town, rest, tiny_encoder, SMALL, max_removed=0.4).change.removed == 2


def test_an_update_that_leaves_nothing_is_refused(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    listing = photo_listing(tmp_path / "photos", 6)
    for place in listing.places:
        place.path.write_bytes(b"no picture")
    with pytest.raises(NothingUsable, match="would have no picture"):
        update_map(town, listing, tiny_encoder, BuildOptions(max_rejected=1))
    assert len(ids(town)) == 6


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((170, -1, -170, 1), "crosses the antimeridian has to be given as two: 170,-1,180,1 and -180,-1,-170,1"),
        ((0, 5, 1, 4), "south 5 is not below its north 4"),
        ((0, 0, 1, 91), "not on Earth"),
    ],
)
def test_impossible_areas_are_told(box: tuple[float, float, float, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Area.box(*box)
