"""The same command given again is known by the digest of its request; another one is never taken for it."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from index_builder.build import build_map
from index_builder.changes.add import add_pictures
from index_builder.changes.area import Area
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.changes.update import update_map
from index_builder.digests import request_digest
from index_builder.sources.listing import LeftOutCode
from index_builder.sources.read_options import ReadOptions
from model.encoder import Encoder
from model.errors import InvalidInput
from place_map import layout
from place_map.activation import roll_back
from place_map.current import Current
from place_map.errors import MapExists
from place_map.file_sum import FileSum
from place_map.left_out import LeftOut
from place_map.versions import existing_versions, read_manifest
from tests.conftest import write_photo
from tests.index_builder.map_factory import SMALL, build_small, photo_listing

FORGIVING = replace(SMALL, max_rejected=0.5)


@pytest.fixture
def town(tmp_path: Path, tiny_encoder: Encoder) -> Path:
    return build_small(tmp_path, tiny_encoder, count=4).map_path


def test_a_folder_that_has_grown_is_another_request(town: Path, tmp_path: Path, tiny_encoder: Encoder) -> None:
    more = photo_listing(tmp_path / "more", 10)
    first = replace(more, places=more.places[4:7])
    assert add_pictures(town, first, tiny_encoder, SMALL).change.added == 3
    again = add_pictures(town, first, tiny_encoder, SMALL)
    assert (again.version, again.is_new) == ("000002", False)
    grown = replace(more, places=more.places[4:])
    with pytest.raises(InvalidInput, match=r"3 of 6 pictures have ids .*--skip-existing"):
        add_pictures(town, grown, tiny_encoder, SMALL)
    assert add_pictures(town, grown, tiny_encoder, SMALL, skip_existing=True).change.added == 3


def test_other_content_under_the_same_names_is_another_request(
    town: Path, tmp_path: Path, tiny_encoder: Encoder
) -> None:
    more = photo_listing(tmp_path / "more", 7)
    more = replace(more, places=more.places[4:])
    add_pictures(town, more, tiny_encoder, SMALL)
    write_photo(more.places[1].path, seed=99)
    with pytest.raises(InvalidInput, match="3 of 3 pictures have ids"):
        add_pictures(town, more, tiny_encoder, SMALL)


def test_a_removal_given_again_is_known_in_any_order_of_its_ids(town: Path) -> None:
    assert remove_pictures(town, Selection(ids=("00.jpg", "01.jpg"))).change.removed == 2
    again = remove_pictures(town, Selection(ids=("01.jpg", "00.jpg")))
    assert (again.version, again.is_new) == ("000002", False)
    with pytest.raises(InvalidInput, match="1 of 1 ids are not in"):
        remove_pictures(town, Selection(ids=("01.jpg",)))
    roll_back(town)
    assert remove_pictures(town, Selection(ids=("00.jpg", "01.jpg"))).version == "000003"


def test_a_removal_of_as_many_by_another_area_is_another_request(town: Path) -> None:
    """Two pictures each; the first removal is undone by nobody, and the second one finds its own."""
    assert remove_pictures(town, Selection(area=Area.box(13, 54.9995, 14, 55.0005))).change.removed == 1
    assert remove_pictures(town, Selection(area=Area.box(13, 55.0005, 14, 55.0015))).change.removed == 1
    assert existing_versions(town) == ["000001", "000002", "000003"]


@pytest.mark.parametrize("mend", ["repaired", "replaced by another broken one"])
def test_a_rejected_picture_that_has_changed_is_not_up_to_date(
    mend: str, tmp_path: Path, tiny_encoder: Encoder
) -> None:
    town, listing = tmp_path / "town", photo_listing(tmp_path / "photos", 4)
    listing.places[2].path.write_bytes(b"no picture")
    assert build_map(listing, tiny_encoder, town, FORGIVING).rejected == 1
    assert not build_map(listing, tiny_encoder, town, FORGIVING).is_new
    if mend == "repaired":
        write_photo(listing.places[2].path, seed=5)
    else:
        listing.places[2].path.write_bytes(b"no picture either")
    with pytest.raises(MapExists, match="placefix update"):
        build_map(listing, tiny_encoder, town, FORGIVING)
    update_map(town, listing, tiny_encoder, FORGIVING)
    assert not build_map(listing, tiny_encoder, town, FORGIVING).is_new


def test_a_rejected_picture_that_is_deleted_leaves_the_list(tmp_path: Path, tiny_encoder: Encoder) -> None:
    """Nothing has to be encoded, and still there is something to do."""
    town, listing = tmp_path / "town", photo_listing(tmp_path / "photos", 4)
    listing.places[3].path.write_bytes(b"no picture")
    build_map(listing, tiny_encoder, town, FORGIVING)
    without = replace(listing, places=listing.places[:3])
    with pytest.raises(MapExists, match="placefix update"):
        build_map(without, tiny_encoder, town, FORGIVING)
    report = update_map(town, without, tiny_encoder, FORGIVING)
    assert (report.version, report.placed, report.rejected, report.encoded) == ("000002", 3, 0, 0)
    assert not update_map(town, without, tiny_encoder, FORGIVING).is_new
    assert not build_map(without, tiny_encoder, town, FORGIVING).is_new


def test_pictures_in_a_folder_that_cannot_be_listed_are_not_taken_for_gone(
    town: Path, tmp_path: Path, tiny_encoder: Encoder
) -> None:
    inside = photo_listing(tmp_path / "photos" / "inside", 2)
    places = [replace(place, id=f"inside/{place.id}") for place in inside.places]
    outside = photo_listing(tmp_path / "photos", 4)
    whole = replace(outside, places=(*outside.places, *places))
    update_map(town, whole, tiny_encoder, SMALL)
    hidden = LeftOut("inside/", "skipped", LeftOutCode.UNREADABLE_FOLDER, "the folder cannot be listed")
    with pytest.raises(InvalidInput, match=r"the folder inside/ .* 2 pictures of the map are in it"):
        update_map(
            town, replace(whole, places=whole.places[:4], left_out=(hidden,)), tiny_encoder, SMALL, max_removed=1
        )
    assert existing_versions(town) == ["000001", "000002"]


def test_another_picture_is_rejected_than_before(tmp_path: Path, tiny_encoder: Encoder) -> None:
    """As many as before, but not the same."""
    town, listing = tmp_path / "town", photo_listing(tmp_path / "photos", 4)
    listing.places[2].path.write_bytes(b"no picture")
    build_map(listing, tiny_encoder, town, FORGIVING)
    more = photo_listing(tmp_path / "photos", 5)
    more.places[4].path.write_bytes(b"no picture")
    with pytest.raises(MapExists):
        build_map(replace(more, places=(*more.places[:2], *more.places[3:])), tiny_encoder, town, FORGIVING)


def as_an_earlier_release_wrote_it(town: Path) -> None:
    """Take away the additions to format 3: the digest of the request, and the sums of rejected pictures."""
    version = layout.version_dir(town, "000001")
    manifest = json.loads((version / layout.MANIFEST).read_bytes())
    del manifest["change"]["request_sha256"]
    lines = (version / layout.LEFT_OUT).read_text().splitlines()
    content = "".join(line.rpartition(",")[0] + "\n" for line in lines).encode()
    (version / layout.LEFT_OUT).write_bytes(content)
    manifest["left_out"] = FileSum.of(version / layout.LEFT_OUT).model_dump()
    (version / layout.MANIFEST).write_text(json.dumps(manifest))
    line = Current("000001", sha256((version / layout.MANIFEST).read_bytes()).hexdigest()).to_bytes()
    for path in (version / layout.POINTER, town / layout.CURRENT):
        path.write_bytes(line)


def test_a_map_of_an_earlier_release_is_changed(tmp_path: Path, tiny_encoder: Encoder) -> None:
    town, listing = tmp_path / "town", photo_listing(tmp_path / "photos", 4)
    listing.places[2].path.write_bytes(b"no picture")
    build_map(listing, tiny_encoder, town, FORGIVING)
    as_an_earlier_release_wrote_it(town)
    assert read_manifest(town).change.request_sha256 is None
    with pytest.raises(MapExists, match="placefix update"):  # which of the rejected files it was is not known
        build_map(listing, tiny_encoder, town, FORGIVING)
    assert update_map(town, listing, tiny_encoder, FORGIVING).rejected == 1
    assert not build_map(listing, tiny_encoder, town, FORGIVING).is_new
    assert remove_pictures(town, Selection(ids=("00.jpg",))).placed == 2


def test_how_a_collection_is_read_belongs_to_the_request(tmp_path: Path) -> None:
    listing = photo_listing(tmp_path / "photos", 2)
    otherwise = replace(listing, options=ReadOptions(max_gps_error_m=50))
    assert request_digest("add", (), listing) != request_digest("add", (), otherwise)
    assert request_digest("add", (), otherwise) == request_digest("add", (), replace(otherwise))
