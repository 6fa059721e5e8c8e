"""Lists of pictures, as people and programs write them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index_builder.errors import SourceError
from index_builder.sources.csv_file import read_csv
from index_builder.sources.listing import SourceListing
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from model.geo import LatLon
from place_map.left_out import LeftOut
from tests.conftest import write_photo
from tests.walks import frame_position, write_walk

WriteList = Callable[..., Path]


@pytest.fixture
def write_list(tmp_path: Path) -> WriteList:
    """Write a CSV file beside a few pictures (which are not opened, so bytes of any kind will do)."""

    def write(*lines: str, encoding: str = "utf-8", name: str = "places.csv", line_end: str = "\n") -> Path:
        for picture in ("a.jpg", "b.jpg", "c.jpg", "sub/ä b.jpg"):
            path = tmp_path / "photos" / picture
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"not opened")
        file = tmp_path / "photos" / name
        file.write_bytes("".join(line + line_end for line in lines).encode(encoding))
        return file

    return write


def codes(listing: SourceListing) -> list[tuple[str, str, str]]:
    return [(each.path, each.outcome, each.code) for each in listing.left_out]


def the_one(left_out: tuple[LeftOut, ...]) -> LeftOut:
    assert len(left_out) == 1
    return left_out[0]


def test_all_columns(write_list: WriteList, tmp_path: Path) -> None:
    file = write_list(
        "path,latitude,longitude,heading,time,id",
        "a.jpg,55.5,13.25,450,2024-09-23T16:06:58Z,first",
        '"sub/ä b.jpg",-33.5,151.25,-90,1727107618,zweite',
    )
    listing = read_csv(file)
    assert listing.kind == "csv"
    assert listing.root == file
    assert not listing.left_out
    first, second = listing.places
    assert (first.id, first.path, first.position) == ("first", tmp_path / "photos/a.jpg", LatLon(55.5, 13.25))
    assert (first.heading_deg, first.time) == (90, datetime(2024, 9, 23, 16, 6, 58, tzinfo=UTC))
    assert (second.id, second.path, second.position) == (
        "zweite",
        tmp_path / "photos/sub/ä b.jpg",
        LatLon(-33.5, 151.25),
    )
    assert (second.heading_deg, second.time) == (270, first.time)


@pytest.mark.parametrize("header", [
    "path,latitude,longitude",
    "Image Path,LAT,Lon",
    "filename,gps_lat,gps_lon",
    "file,GPS-Latitude,GPS-Longitude",
    "name,lat,lng",
    "image, Lat , Long ",
])  # fmt: skip
def test_spellings(write_list: WriteList, header: str) -> None:
    (place,) = read_csv(write_list(header, "a.jpg,55.5,13.25")).places
    assert (place.id, place.position, place.heading_deg, place.time) == ("a.jpg", LatLon(55.5, 13.25), None, None)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("lat,path,gps_lat,latitude,lon,name", "1,a.jpg,2,3,4,b.jpg"),
        ("gps_lat,name,path,lat,latitude,lon", "1,b.jpg,a.jpg,2,3,4"),
    ],
)
def test_the_plainest_of_several_columns_is_used(write_list: WriteList, header: str, row: str) -> None:
    (place,) = read_csv(write_list(header, row)).places
    assert (place.id, place.position) == ("a.jpg", LatLon(3, 4))


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (("path;latitude;longitude", "a.jpg;55,5;13,25"), "places.csv"),
        (("path;latitude;longitude", "a.jpg;55.5;13.25"), "places.csv"),
        (("path\tlatitude\tlongitude", "a.jpg\t55.5\t13.25"), "places.tsv"),
        (("path\tlatitude\tlongitude", "a.jpg\t55,5\t13,25"), "places.csv"),
        (("path,latitude,longitude", 'a.jpg,"55,5","13,25"'), "places.csv"),
        (("", "path,latitude,longitude", "", "a.jpg, 55.5 , 13.25", " , ,"), "places.csv"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_separators(write_list: WriteList, lines: tuple[str, ...], name: str, encoding: str, line_end: str) -> None:
    listing = read_source(write_list(*lines, name=name, encoding=encoding, line_end=line_end))
    assert [place.position for place in listing.places] == [LatLon(55.5, 13.25)]
    assert not listing.left_out


@pytest.mark.parametrize(
    ("row", "outcome", "code"),
    [
        ("a.jpg,,13", "skipped", "no_position"),
        ("a.jpg,55", "skipped", "no_position"),
        ("a.jpg", "skipped", "no_position"),
        ("a.jpg,north,13", "skipped", "invalid_position"),
        ("a.jpg,nan,nan", "skipped", "invalid_position"),
        ("a.jpg,inf,13", "skipped", "invalid_position"),
        ("a.jpg,91,13", "skipped", "invalid_position"),
        ("a.jpg,55,360.5", "skipped", "invalid_position"),
        ("a.jpg,13E,55N", "skipped", "invalid_position"),
        ("a.jpg,0,0", "skipped", "null_island"),
        ("a.jpg,0.0,-0.0000000001", "skipped", "null_island"),
        ("a.jpg,55,5,13,25", "skipped", "invalid_row"),
        (",55,13", "skipped", "invalid_row"),
        ("missing.jpg,55,13", "rejected", "missing_file"),
        ("sub,55,13", "rejected", "missing_file"),
        ("a.jpg/b.jpg,55,13", "rejected", "missing_file"),
        ("\0.jpg,55,13", "rejected", "missing_file"),
        (f"{'x' * 5000}.jpg,55,13", "rejected", "missing_file"),
    ],
)
def test_unusable_rows_name_their_line(write_list: WriteList, row: str, outcome: str, code: str) -> None:
    listing = read_csv(write_list("path,latitude,longitude", "b.jpg,1,2", row, "c.jpg,3,4"))
    assert [place.id for place in listing.places] == ["b.jpg", "c.jpg"]
    assert codes(listing) == [(row.partition(",")[0], outcome, code)]
    assert "line 3" in the_one(listing.left_out).reason


def test_unreadable_headings_and_times_are_unknown(write_list: WriteList) -> None:
    listing = read_csv(
        write_list("path,lat,lon,bearing,date", "a.jpg,1,2,NaN,soon", "b.jpg,3,4,north,", "c.jpg,5,6,-1e-20,2024")
    )
    assert [(place.heading_deg, place.time) for place in listing.places] == [(None, None), (None, None), (0, None)]


def test_the_same_picture_twice(write_list: WriteList) -> None:
    listing = read_csv(
        write_list("path,lat,lon,id", "a.jpg,1,2,x", "b.jpg,,,y", "./sub/../a.jpg,5,6,z", "b.jpg,3,4,y", "a.jpg,1,2,x")
    )
    assert [(place.id, place.position) for place in listing.places] == [("x", LatLon(1, 2)), ("y", LatLon(3, 4))]
    assert codes(listing) == [
        ("b.jpg", "skipped", "no_position"),
        ("./sub/../a.jpg", "skipped", "duplicate"),
        ("a.jpg", "skipped", "duplicate"),
    ]
    assert "line 4 lists the same picture as line 2" in listing.left_out[1].reason


@pytest.mark.parametrize("second", ["b.jpg,3,4,x", "b.jpg,3,4,a.jpg"])
def test_one_id_for_two_pictures(write_list: WriteList, second: str) -> None:
    identifier = second.rsplit(",", 1)[1]
    first = "a.jpg,1,2,x" if identifier == "x" else "a.jpg,1,2,"
    with pytest.raises(SourceError, match=f"{identifier}.*lines 2 and 3"):
        read_csv(write_list("path,lat,lon,id", first, second))


def test_ids_fall_back_to_paths(write_list: WriteList, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.jpg"
    elsewhere.touch()
    listing = read_csv(
        write_list(
            "path,lat,lon,id",
            f"{tmp_path}/photos/a.jpg,1,2,",
            "./sub/ä b.jpg,3,4,",
            f"{elsewhere},5,6,",
            "../photos/b.jpg,1,1,",
        )
    )
    assert [place.id for place in listing.places] == ["a.jpg", "sub/ä b.jpg", elsewhere.as_posix(), "b.jpg"]


def test_paths_written_on_windows(write_list: WriteList, tmp_path: Path) -> None:
    (place,) = read_csv(write_list("path,lat,lon", "sub\\ä b.jpg,3,4")).places
    assert place.path == tmp_path / "photos/sub/ä b.jpg"
    assert place.id == "sub/ä b.jpg"


def test_relative_list(write_list: WriteList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_list("path,lat,lon", "a.jpg,3,4")
    monkeypatch.chdir(tmp_path / "photos")
    (place,) = read_csv(Path("places.csv")).places
    assert place.id == "a.jpg"
    assert place.path.is_file()


def test_missing_columns_are_named_with_what_is_there(write_list: WriteList) -> None:
    with pytest.raises(SourceError) as caught:
        read_csv(write_list("path,place_id,dummy_lat,dummy_lon", "a.jpg,0,1,2"))
    message = caught.value.message
    assert "lacks the columns latitude and longitude" in message
    assert "Accepted for latitude: latitude, lat, gps_latitude" in message
    assert "Its columns are path, place_id, dummy_lat, dummy_lon" in message
    assert "--latitude-column dummy_lat" in message
    assert "--longitude-column dummy_lon" in message
    with pytest.raises(SourceError, match="lacks the column path"):
        read_csv(write_list("lat,lon,picture", "1,2,a.jpg"))
    with pytest.raises(SourceError, match="lacks the columns path and latitude and longitude"):
        read_csv(write_list("a.jpg,55.5,13.25", "b.jpg,55.5,13.25"))


def test_columns_by_name(write_list: WriteList) -> None:
    file = write_list("path,lat,lon,Dummy Lat,dummy_lon", "a.jpg,1,2,3,4")
    listing = read_source(file, ReadOptions(latitude_column="dummy_lat", longitude_column="dummy_lon"))
    assert [place.position for place in listing.places] == [LatLon(3, 4)]
    with pytest.raises(SourceError, match="no column 'nord'; its columns are path, lat"):
        read_source(file, ReadOptions(latitude_column="nord"))


def test_two_columns_of_one_name(write_list: WriteList) -> None:
    with pytest.raises(SourceError, match="2 columns named 'lat'"):
        read_csv(write_list("path,lat,Lat,lon", "a.jpg,1,2,3"))


def test_what_is_no_list(write_list: WriteList, tmp_path: Path) -> None:
    for lines, message in (((), "is empty"), (("path,lat,lon",), "lists no pictures")):
        with pytest.raises(SourceError, match=message):
            read_csv(write_list(*lines))
    with pytest.raises(SourceError, match=r"not UTF-8 \(line 3\)"):
        read_csv(write_list("path,lat,lon", "a.jpg,1,2", "\x81.jpg,1,2", encoding="latin-1"))
    with pytest.raises(SourceError, match="line 2"):
        read_csv(write_list("path,lat,lon", '"a.jpg,1,2'))
    with pytest.raises(SourceError, match="cannot be read"):
        read_csv(tmp_path)


def test_a_list_that_contradicts_its_photos_is_believed_and_that_is_counted(tmp_path: Path) -> None:
    for number in range(3):
        write_photo(tmp_path / f"{number}.jpg", number, LatLon(48.2, 16.3))
    write_photo(tmp_path / "3.jpg", 3)
    rows = ("0.jpg,48.201,16.3", "1.jpg,16.3,48.2", "2.jpg,48.2,-16.3", "3.jpg,1,2")
    (tmp_path / "list.csv").write_text("\n".join(["path,lat,lon", *rows]))
    listing = read_source(tmp_path / "list.csv")
    assert [place.position.latitude for place in listing.places] == [48.201, 16.3, 48.2, 1]
    assert listing.remarks == {"contradicts_exif": 2}


def test_progress_counts_rows(write_list: WriteList) -> None:
    seen: list[int] = []
    read_csv(write_list("path,lat,lon", "a.jpg,1,2", "x.jpg,1,2", "b.jpg,1,2"), on_progress=seen.append)
    assert seen == [1, 2, 3]


def test_a_walk_as_gardens_point_lists_it_needs_its_invented_positions_named(tmp_path: Path) -> None:
    for path in write_walk(tmp_path, "database", frames=200):
        path.write_bytes(b"not opened")
    file = tmp_path / "database.csv"
    with pytest.raises(SourceError, match="--latitude-column dummy_lat"):
        read_source(file)
    listing = read_source(file, ReadOptions(latitude_column="dummy_lat", longitude_column="dummy_lon"))
    assert len(listing.places) == 200
    assert not listing.left_out
    assert listing.places[1].position == frame_position(1) == LatLon(-27.4771102, 153.0283)
