"""Lists that programs write: exiftool, OpenDroneMap, STAC and Panoramax, Excel, GDAL, GeoPandas and QGIS."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index_builder.errors import SourceError
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from model.geo import LatLon, to_utm
from tests.index_builder.sources.conftest import WriteFile, WriteJson

POSITION = LatLon(48.2083, 16.3725)


def same(one: LatLon, other: LatLon = POSITION) -> bool:
    return (one.latitude, one.longitude) == pytest.approx((other.latitude, other.longitude), abs=1e-7)


# --- exiftool ----------------------------------------------------------------------------------------------------

EXIFTOOL_HEAD = (
    "SourceFile,GPSLatitude,GPSLongitude,GPSImgDirection,GPSImgDirectionRef,DateTimeOriginal,GPSHPositioningError"
)


@pytest.mark.parametrize(
    "row",
    [
        """./a.jpg,"48 deg 12' 29.88"" N","16 deg 22' 21.00"" E",120.5,True North,2024:05:06 07:08:09,5 m""",
        "./a.jpg,48.2083,16.3725,120.5,T,2024:05:06 07:08:09,5",
    ],
)
def test_tables_of_exiftool(write_file: WriteFile, row: str) -> None:
    listing = read_source(
        write_file("out.csv", f"{EXIFTOOL_HEAD}\n{row}\n./b.jpg,48.21,16.37,22,Magnetic North,,90 m\n")
    )
    assert listing.kind == "exiftool"
    first, second = listing.places
    assert same(first.position)
    assert (first.id, first.heading_deg, first.time) == ("a.jpg", 120.5, datetime(2024, 5, 6, 7, 8, 9))
    assert second.heading_deg is None
    assert listing.remarks == {"magnetic_heading": 1, "doubtful_position": 1}


def test_groups_of_exiftool_and_letters_in_columns_of_their_own(write_file: WriteFile) -> None:
    head = "SourceFile,EXIF:GPSLatitude,EXIF:GPSLatitudeRef,EXIF:GPSLongitude,EXIF:GPSLongitudeRef"
    row = '''a.jpg,"48 deg 12' 29.88""",South,"16 deg 22' 21.00""",West'''
    assert same(read_source(write_file("a.csv", f"{head}\n{row}\n")).places[0].position, LatLon(-48.2083, -16.3725))
    head, row = f"{head},Composite:GPSLatitude", f'''{row},"48 deg 12' 29.88"" N"'''
    [left] = read_source(write_file("b.csv", f"{head}\n{row.replace('South', '')}\n")).places
    assert same(left.position, LatLon(48.2083, -16.3725))


def test_the_first_time_that_can_be_read_counts(write_file: WriteFile) -> None:
    head = "SourceFile,GPSLatitude,GPSLongitude,GPSDateTime,SubSecDateTimeOriginal,CreateDate"
    rows = [
        "a.jpg,1,2,2024:05:06 05:08:09Z,2024:05:06 07:08:09.25+02:00,",
        "b.jpg,1,2,,0000:00:00 00:00:00,2024:05:06 07:08:09",
        "images/c.jpg,1,2,,soon,",
    ]
    listing = read_source(write_file("a.csv", "\n".join([head, *rows])))
    assert [place.time for place in listing.places] == [
        datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC),
        datetime(2024, 5, 6, 7, 8, 9),
        None,
    ]
    assert listing.remarks == {"unreadable_time": 1}


def test_one_column_for_both_degrees_and_one_for_the_time_zone(write_file: WriteFile) -> None:
    row = """a.jpg,"48 deg 12' 29.88"" N, 16 deg 22' 21.00"" E",2024:05:06 07:08:09,+02:00"""
    head = "SourceFile,GPSPosition,DateTimeOriginal,OffsetTimeOriginal"
    [place] = read_source(write_file("a.csv", f"{head}\n{row}\n")).places
    assert same(place.position)
    assert place.time == datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC)
    [place] = read_source(write_file("b.csv", "file,geometry\na.jpg,POINT (16.3725 48.2083)\n")).places
    assert same(place.position)


def test_json_of_exiftool(write_json: WriteJson) -> None:
    said = {"SourceFile": "./a.jpg", "GPSLatitude": "48 deg 12' 29.88\" N", "GPSLongitude": 16.3725, "GPSDOP": 9}
    listing = read_source(write_json([said, {"SourceFile": "b.jpg"}]))
    assert listing.kind == "exiftool"
    assert same(listing.places[0].position)
    assert listing.remarks == {"doubtful_position": 1}
    assert [(left.path, left.code) for left in listing.left_out] == [("b.jpg", "no_position")]


def test_groups_of_json_of_exiftool(write_json: WriteJson) -> None:
    """So it comes from exiftool -json -g."""
    said = {
        "SourceFile": "a.jpg",
        "EXIF": {"GPSLatitudeRef": "South", "GPSLatitude": "48 deg 12' 29.88\"", "GPSImgDirection": 90},
        "Composite": {"GPSLatitude": "48 deg 12' 29.88\" S", "GPSLongitude": "16 deg 22' 21.00\" E"},
    }
    [place] = read_source(write_json([said])).places
    assert same(place.position, LatLon(-48.2083, 16.3725))
    assert place.heading_deg == 90


def test_a_column_of_paths_by_its_name(write_file: WriteFile) -> None:
    file = write_file("a.csv", "Bild,lat,lon\na.jpg,48.2083,16.3725\n")
    with pytest.raises(SourceError, match="lacks the column path"):
        read_source(file)
    assert read_source(file, ReadOptions(path_column="bild")).places[0].id == "a.jpg"


# --- Excel -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("first_line", ["", "sep=;\r\n", '"sep=;"\r\n'])
def test_csv_as_excel_writes_it(write_file: WriteFile, encoding: str, first_line: str) -> None:
    text = f"{first_line}path;latitude;longitude;date\r\nä.jpg;48,2083;16,3725;06.05.2024 07:08\r\nb.jpg;;;\r\n"
    listing = read_source(write_file("a.csv", text, encoding))
    [place] = listing.places
    assert (place.id, place.position, place.time) == ("ä.jpg", POSITION, datetime(2024, 5, 6, 7, 8))
    assert f"line {4 if first_line else 3}" in listing.left_out[0].reason


def test_the_separator_that_is_stated_counts(write_file: WriteFile) -> None:
    text = "sep=|\npath|latitude|longitude|a;b;c;d\na.jpg|48.2083|16.3725|\n"
    assert read_source(write_file("a.csv", text)).places[0].position == POSITION


# --- OpenDroneMap ------------------------------------------------------------------------------------------------


def test_geo_txt(write_file: WriteFile) -> None:
    lines = [
        "EPSG:4326",
        "a.jpg 16.3725 48.2083 210.0 90 0 0 2.5 5.0",
        "images/../b.jpg 16.3725 48.2083",
        "c.jpg 16.3725 48.2083 210.0 90 0 0 30",
        "gone.jpg 16.3725 48.2083",
        "d.jpg east 48.2083",
        "e.jpg 16.3725",
    ]
    listing = read_source(write_file("geo.txt", "\n".join(lines)))
    assert listing.kind == "geo.txt"
    assert [(place.id, place.position, place.heading_deg) for place in listing.places] == [
        ("a.jpg", POSITION, 90),
        ("b.jpg", POSITION, None),
        ("images/c.jpg", POSITION, 90),
    ]
    assert listing.remarks == {"doubtful_position": 1}
    assert [(left.path, left.code) for left in listing.left_out] == [
        ("gone.jpg", "missing_file"),
        ("d.jpg", "invalid_position"),
        ("e.jpg", "invalid_row"),
    ]


def test_geo_txt_names_with_blanks(write_file: WriteFile, tmp_path: Path) -> None:
    lines = [
        "EPSG:4326",
        "  sub/ä b.jpg\t16.3725 48.2083 210.0 90",
        "gone 1 2.JPG 16.3725 48.2083",
        "gone.jpg - copy.jpg 16.3725 48.2083",
        "gone without suffix 16.3725 48.2083",
        "gone 2.jpg",
    ]
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/ä b.jpg").touch()
    listing = read_source(write_file("geo.txt", "\n".join(lines)))
    assert [(place.id, place.position, place.heading_deg) for place in listing.places] == [
        ("sub/ä b.jpg", POSITION, 90)
    ]
    assert [(left.path, left.code) for left in listing.left_out] == [
        ("gone 1 2.JPG", "missing_file"),
        ("gone.jpg - copy.jpg", "missing_file"),
        ("gone", "invalid_position"),
        ("gone 2.jpg", "invalid_row"),
    ]
    assert "line 5: 'without', 'suffix' are not numbers" in listing.left_out[2].reason


def test_geo_txt_outside_of_its_reference_system(write_file: WriteFile) -> None:
    [left] = read_source(write_file("geo.txt", "WGS84 UTM 33N\na.jpg 500000 -9e9\n")).left_out
    assert left.code == "invalid_position"
    assert left.reason.startswith("line 2: x = 500000, y = -9000000000 lie outside of WGS84 UTM 33N, which is used at")


def test_geo_txt_beside_its_zone_is_read_and_counted(write_file: WriteFile) -> None:
    listing = read_source(write_file("geo.txt", "WGS84 UTM 33N\na.jpg 54000 5350000\nb.jpg 500000 5350000\n"))
    assert (len(listing.places), dict(listing.remarks)) == (2, {"beside_system": 1})
    assert listing.places[0].position.longitude < 10


@pytest.mark.parametrize("system", ["EPSG:32633", "WGS84 UTM 33N", "+proj=utm +zone=33 +datum=WGS84 +units=m +no_defs"])
def test_geo_txt_in_other_reference_systems(write_file: WriteFile, system: str) -> None:
    utm = to_utm(POSITION)
    listing = read_source(write_file("geo.txt", f"{system}\na.jpg {utm.easting_m:.4f} {utm.northing_m:.4f}\n"))
    assert same(listing.places[0].position)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("EPSG:4326\n", "lists no pictures"),
        ("a.jpg 16.3725 48.2083\n", "line 1, lists a picture: put the reference system above it"),
        ("WGS 48\na.jpg 16.3725 48.2083\n", "line 1, states the coordinate reference system 'WGS 48'"),
    ],
)
def test_what_is_no_geo_txt(write_file: WriteFile, content: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        read_source(write_file("geo.txt", content))


# --- STAC and Panoramax ------------------------------------------------------------------------------------------


def item(identifier: str, href: str | None = "./a.jpg", **properties: object) -> dict[str, object]:
    asset = {"href": href, "type": "image/jpeg", "roles": ["data"]}
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": identifier,
        "geometry": {"type": "Point", "coordinates": [16.3725, 48.2083]},
        "properties": {"datetime": "2024-05-06T07:08:09Z", "view:azimuth": 120, **properties},
        "assets": {} if href is None else {"thumb": {"href": "t.webp", "type": "image/webp"}, "hd": asset},
    }


def test_items(write_json: WriteJson) -> None:
    whole = {"pers:interior_orientation": {"field_of_view": 360}}
    items = [
        item("1"),
        item("2", "https://example.org/never/fetched/b.jpg?x=1", **{"quality:horizontal_accuracy": 40}),
        item("c", None),
        item("4", "https://example.org/x.jpg", **{"original_file:name": "sub/ä b.jpg"}),
        item("5", "c.jpg", **whole),
        item("6", "gone.jpg"),
        item(""),
    ]
    file = write_json(
        {"type": "FeatureCollection", "features": items}, pictures=("a.jpg", "b.jpg", "images/c.jpg", "sub/ä b.jpg")
    )
    listing = read_source(file)
    assert listing.kind == "stac"
    assert [(place.id, place.path.name) for place in listing.places] == [
        ("1", "a.jpg"),
        ("2", "b.jpg"),
        ("c", "c.jpg"),
        ("4", "ä b.jpg"),
    ]
    assert {place.position for place in listing.places} == {POSITION}
    assert {(place.heading_deg, place.time) for place in listing.places} == {
        (120, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC))
    }
    assert listing.remarks == {"doubtful_position": 1}
    assert [left.code for left in listing.left_out] == ["panorama", "missing_file", "invalid_row"]
    assert "gone.jpg" in listing.left_out[1].reason


def test_one_item_and_items_in_lines(write_json: WriteJson) -> None:
    assert [place.id for place in read_source(write_json(item("1"))).places] == ["1"]
    lines = [item("1"), item("2", "b.jpg")]
    assert [place.id for place in read_source(write_json(lines, "a.ndjson")).places] == ["1", "2"]


# --- GeoJSON -----------------------------------------------------------------------------------------------------


def feature(name: str, kind: str = "Point") -> dict[str, object]:
    point = [16.3725, 48.2083, 210.0]
    geometry = {"type": kind, "coordinates": [point] if kind == "MultiPoint" else point}
    return {"type": "Feature", "geometry": geometry, "properties": {"file": name, "direction": "270°"}}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (json.dumps(feature("a.jpg")), "a.geojson"),
        (json.dumps(feature("a.jpg"), indent=1), "a.json"),
        (json.dumps({"type": "FeatureCollection", "features": [feature("a.jpg", "MultiPoint")]}), "a.geojson"),
        (json.dumps({"type": "FeatureCollection", "features": [feature("a.jpg")]}), "a.geojsonl"),
        (json.dumps(feature("a.jpg")) + "\n", "a.geojsonl"),
        ("\x1e" + json.dumps(feature("a.jpg")) + "\n", "a.geojsons"),
    ],
)
def test_forms_of_geojson(write_file: WriteFile, text: str, name: str) -> None:
    listing = read_source(write_file(name, text))
    assert listing.kind == "geojson"
    assert [(place.id, place.position, place.heading_deg) for place in listing.places] == [("a.jpg", POSITION, 270)]


@pytest.mark.parametrize("start", ["", "\x1e"])
@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a.ndjson", "a.geojsons"])
def test_a_feature_in_each_line(write_file: WriteFile, name: str, start: str) -> None:
    text = "".join(f"{start}{json.dumps(feature(each))}\n" for each in ("a.jpg", "b.jpg", "gone.jpg"))
    listing = read_source(write_file(name, text))
    assert [place.id for place in listing.places] == ["a.jpg", "b.jpg"]
    assert "line 3" in listing.left_out[0].reason


def test_several_points_are_no_position(write_json: WriteJson) -> None:
    several = {**feature("a.jpg"), "geometry": {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}}
    [left] = read_source(write_json(several)).left_out
    assert (left.code, "'MultiPoint', not a 'Point'" in left.reason) == ("invalid_position", True)


def test_a_reference_system_in_metres(write_json: WriteJson) -> None:
    utm = to_utm(POSITION)
    made = feature("a.jpg")
    made["geometry"] = {"type": "Point", "coordinates": [utm.easting_m, utm.northing_m]}
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
    [place] = read_source(write_json({"type": "FeatureCollection", "crs": crs, "features": [made]})).places
    assert same(place.position)
