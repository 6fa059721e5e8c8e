"""One side of a city of MSLS, as it is distributed."""

from datetime import datetime
from pathlib import Path

import pytest

from index_builder.errors import SourceError
from index_builder.sources.msls import read_msls
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from model.geo import LatLon, distance_m, from_utm, to_utm

COPENHAGEN = LatLon(55.676, 12.568)
RAW = ",key,lon,lat,ca,captured_at,pano"


def write_side(folder: Path, raw: str, postprocessed: str | None = None, pictures: str = "abc") -> Path:
    (folder / "images").mkdir(parents=True)
    (folder / "raw.csv").write_text(raw)
    if postprocessed is not None:
        (folder / "postprocessed.csv").write_text(postprocessed)
    for key in pictures:
        (folder / "images" / f"{key}.jpg").write_bytes(b"not opened")
    return folder


def test_a_side_of_a_city(tmp_path: Path) -> None:
    """Positions are the metres of the official evaluation; the columns stand in an order of their own."""
    utm = to_utm(COPENHAGEN)
    raw = f"{RAW}\n0,a,12.568,55.676,-90.5,2018-07-01,False\n1,b,12.568,55.676,,,False\n2,c,12.568,55.676,5,,True\n"
    post = f"view_direction,northing,key,night,easting\nForward,{utm.northing_m},b,False,{utm.easting_m + 3}\n"
    post += f"Sideways,{utm.northing_m + 4},a,True,{utm.easting_m}\n"
    listing = read_source(write_side(tmp_path / "cph" / "query", raw, post))
    assert (listing.kind, len(listing)) == ("msls", 3)
    first, second = listing.places
    assert (first.id, first.heading_deg, first.time) == ("a", 269.5, datetime(2018, 7, 1))
    assert (second.id, second.heading_deg, second.time) == ("b", None, None)
    assert first.path == tmp_path / "cph" / "query" / "images" / "a.jpg"
    assert to_utm(first.position).northing_m == pytest.approx(utm.northing_m + 4, abs=1e-6)
    assert to_utm(second.position).easting_m == pytest.approx(utm.easting_m + 3, abs=1e-6)
    assert [(left.path, left.outcome, left.code) for left in listing.left_out] == [
        ("images/c.jpg", "skipped", "panorama")
    ]


def test_without_metres_the_degrees_count(tmp_path: Path) -> None:
    listing = read_msls(write_side(tmp_path / "q", "key;lat;lon\na;55,676;12,568\n", pictures="a"))
    assert listing.places[0].position == COPENHAGEN
    post = "key,easting,northing\na,,\n"
    listing = read_msls(write_side(tmp_path / "r", "key,lat,lon\na,55.676,12.568\n", post, "a"))
    assert listing.places[0].position == COPENHAGEN


def test_metres_belong_to_the_zone_of_the_degrees(tmp_path: Path) -> None:
    """São Paulo, south of the equator."""
    place = LatLon(-23.55, -46.63)
    utm = to_utm(place)
    raw, post = "key,lat,lon\na,-23.55,-46.63\n", f"key,easting,northing\na,{utm.easting_m},{utm.northing_m}\n"
    [found] = read_msls(write_side(tmp_path / "q", raw, post, "a")).places
    assert distance_m(found.position, from_utm(utm)) < 1e-6


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("a,0,0", "null_island"),
        ("a,north,3", "no_position"),
        ("a,99,3", "invalid_position"),
        ("gone,1,2", "missing_file"),
    ],
)
def test_what_cannot_be_placed_is_left_out(tmp_path: Path, row: str, code: str) -> None:
    listing = read_msls(write_side(tmp_path / "q", f"key,lat,lon\n{row}\n", pictures="a"))
    assert [left.code for left in listing.left_out] == [code]


def test_two_positions_far_apart_are_none(tmp_path: Path) -> None:
    post = "key,easting,northing\na,500000,6100000\n"
    listing = read_msls(write_side(tmp_path / "q", "key,lat,lon\na,55.676,12.568\n", post, "a"))
    assert [left.code for left in listing.left_out] == ["contradictory_position"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("key,lat\na,1\n", "lacks the column lon; its columns are key, lat"),
        ("key,lat,lon\na,1,2\na,1,2\n", "lists the key 'a' twice, the second time in line 3"),
        ("key,lat,lon\n,1,2\n", "line 2, has no key"),
        ("key,lat,lon\n", "lists no pictures"),
        ("", "is empty"),
    ],
)
def test_damaged_lists_are_refused(tmp_path: Path, raw: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_msls(write_side(tmp_path / "q", raw))


def test_a_city_is_read_as_its_database_and_where_queries_are_read_as_its_queries(tmp_path: Path) -> None:
    for side, key in (("database", "a"), ("query", "b")):
        write_side(tmp_path / "cph" / side, f"key,lat,lon\n{key},55.676,12.568\n", pictures=key)
    listing = read_source(tmp_path / "cph")
    assert ([place.id for place in listing.places], listing.root) == (["a"], tmp_path / "cph" / "database")
    assert [place.id for place in read_source(tmp_path / "cph", ReadOptions(side="query")).places] == ["b"]
    (tmp_path / "cph" / "query" / "raw.csv").unlink()
    with pytest.raises(SourceError, match="a city of MSLS without its query"):
        read_source(tmp_path / "cph", ReadOptions(side="query"))
