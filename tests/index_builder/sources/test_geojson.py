"""GeoJSON whose points are pictures."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyproj import Transformer

from index_builder.errors import SourceError
from index_builder.sources.read import read_source
from model.geo import LatLon, distance_m
from tests.conftest import MakePhoto
from tests.index_builder.sources.conftest import WriteJson

AFTERNOON = datetime(2024, 9, 23, 16, 6, 58, tzinfo=UTC)


def feature(coordinates: object, properties: object, **members: object) -> dict[str, object]:
    geometry = {"type": "Point", "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties, **members}


def collection(*features: object, **members: object) -> dict[str, object]:
    return {"type": "FeatureCollection", "features": list(features), **members}


def test_features_with_everything(write_json: WriteJson, tmp_path: Path) -> None:
    file = write_json(
        collection(
            feature([13.25, 55.5, 40.0], {"FileName": "a.jpg", "Heading": -90, "time": "2024-09-23T16:06:58Z"}, id=7),
            feature([151.25, -33.5], {"photo": f"{tmp_path}/photos/sub/ä b.jpg", "bearing": "12,5"}),
        ),
        "places.geojson",
    )
    listing = read_source(file)
    assert (listing.kind, listing.root, listing.left_out) == ("geojson", file, ())
    first, second = listing.places
    assert (first.id, first.path, first.position) == ("7", tmp_path / "photos/a.jpg", LatLon(55.5, 13.25))
    assert (first.heading_deg, first.time) == (270, AFTERNOON)
    assert (second.id, second.position) == ("sub/ä b.jpg", LatLon(-33.5, 151.25))
    assert (second.heading_deg, second.time) == (12.5, None)


@pytest.mark.parametrize("name", ["filename", "file", "PATH", "image", "Image_Path", "photo", "File Name", "FilePath"])
def test_names_of_the_picture(write_json: WriteJson, name: str) -> None:
    [place] = read_source(write_json(collection(feature([1, 2], {"note": "x", name: "a.jpg"})))).places
    assert place.id == "a.jpg"


def test_the_property_that_names_a_file_is_used(write_json: WriteJson) -> None:
    """QGIS writes the name without its suffix into one property, and the path into another."""
    qgis = {"filename": "a", "photo": "a.jpg", "direction": 45.0, "timestamp": "2024/09/23 16:06:58"}
    [place] = read_source(write_json(collection(feature([1, 2], qgis)))).places
    assert (place.id, place.heading_deg, place.time) == ("a.jpg", 45, AFTERNOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    "said", [{"is_pano": 1}, {"Projection_Type": "equirectangular"}, {"camera_type": "spherical"}, {"pano": True}]
)
def test_panoramas_are_told_as_in_tables(write_json: WriteJson, said: dict[str, object]) -> None:
    [left] = read_source(write_json(collection(feature([1, 2], {"file": "a.jpg", **said})))).left_out
    assert left.code == "panorama"


def test_fixes_errors_and_compasses_count_as_in_tables(write_json: WriteJson) -> None:
    """Read a table of exiftool that ogr2ogr has converted: its columns are properties."""
    void = feature([1, 2], {"SourceFile": "a.jpg", "GPSStatus": "Measurement Void"})
    rough = {"SourceFile": "b.jpg", "hdop": 9, "GPSImgDirection": 90, "GPSImgDirectionRef": "Magnetic North"}
    listing = read_source(write_json(collection(void, feature([1, 2], rough))))
    assert [left.code for left in listing.left_out] == ["void_fix"]
    assert listing.remarks == {"doubtful_position": 1, "magnetic_heading": 1}


def test_degrees_in_properties_count_without_a_geometry(write_json: WriteJson) -> None:
    said = {"file": "a.jpg", "lat": "48,5", "lon": 16.25}
    flat, placed = {**feature([], said), "geometry": None}, feature([1, 2], {**said, "file": "b.jpg"})
    listing = read_source(write_json(collection(flat, placed)))
    assert [place.position for place in listing.places] == [LatLon(48.5, 16.25), LatLon(2, 1)]


@pytest.mark.parametrize("value", ["2024-09-23T18:06:58+02:00", 1_727_107_618, 1_727_107_618_000, 1_727_107_618.0])
@pytest.mark.parametrize("name", ["time", "captured_at", "Timestamp", "datetime"])
def test_times(write_json: WriteJson, name: str, value: object) -> None:
    [place] = read_source(write_json(collection(feature([1, 2], {"file": "a.jpg", name: value})))).places
    assert place.time == AFTERNOON


def test_headings_and_times_that_cannot_be_read_are_unknown(write_json: WriteJson) -> None:
    properties = {"file": "a.jpg", "heading": "north", "time": ["soon"]}
    [place] = read_source(write_json(collection(feature([1, 2], properties)))).places
    assert (place.heading_deg, place.time) == (None, None)


@pytest.mark.parametrize(
    ("odd", "outcome", "code", "reason"),
    [
        (feature([1, 2], {"file": "gone.jpg"}), "rejected", "missing_file", "there is no file"),
        (feature([1, 2], {"file": "a.jpg"}), "skipped", "duplicate", "same picture as feature 1"),
        (feature([1, 2], {"title": "b"}), "skipped", "invalid_row", "path, .*, photo, name, but title; rename"),
        (feature([1, 2], None), "skipped", "invalid_row", "but no properties"),
        (feature([0, 0], {"file": "b.jpg"}), "skipped", "null_island", "0, 0"),
        (feature([], {"file": "b.jpg"}), "skipped", "no_position", "no coordinates"),
        (feature([1], {"file": "b.jpg"}), "skipped", "invalid_position", r"not \[longitude, latitude\]"),
        (feature(["1", "2"], {"file": "b.jpg"}), "skipped", "invalid_position", r"not \[longitude, latitude\]"),
        (feature([1, 95], {"file": "b.jpg"}), "skipped", "invalid_position", "latitude 95"),
        ({**feature([], {"file": "b.jpg"}), "geometry": None}, "skipped", "no_position", "no geometry"),
        ({**feature([], {"file": "b.jpg"}), "geometry": 5}, "skipped", "invalid_position", "not an object"),
        (
            {**feature([], {"file": "b.jpg"}), "geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}},
            "skipped",
            "invalid_position",
            "'LineString', not a 'Point'",
        ),
        ("b.jpg", "skipped", "invalid_row", "is not a Feature"),
        ({"type": "Point", "coordinates": [1, 2]}, "skipped", "invalid_row", "is not a Feature"),
    ],
)
def test_every_feature_is_accounted_for(
    write_json: WriteJson, odd: object, outcome: str, code: str, reason: str
) -> None:
    listing = read_source(write_json(collection(feature([3, 4], {"file": "a.jpg"}), odd)))
    assert [place.id for place in listing.places] == ["a.jpg"]
    [left] = listing.left_out
    assert (left.outcome, left.code) == (outcome, code)
    assert re.search(f"^feature 2.*{reason}", left.reason)


@pytest.mark.parametrize(
    "name",
    [
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "urn:ogc:def:crs:OGC::CRS84h",
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "EPSG:4326",
        "urn:ogc:def:crs:EPSG::4326",
        "urn:ogc:def:crs:EPSG::4979",
    ],
)
def test_the_system_of_gps_may_be_stated(write_json: WriteJson, name: str) -> None:
    crs = {"type": "name", "properties": {"name": name}}
    [place] = read_source(write_json(collection(feature([13.25, 55.5], {"file": "a.jpg"}), crs=crs))).places
    assert place.position == LatLon(55.5, 13.25)


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:EPSG::999999", "EPSG:43260", "EPSG:14326", "mars", "", None])
def test_unknown_systems_are_refused(write_json: WriteJson, name: str | None) -> None:
    crs = {"type": "name", "properties": {"name": name}}
    with pytest.raises(SourceError, match=r"coordinate reference system .*EPSG:4326"):
        read_source(write_json(collection(feature([1, 2], {"file": "a.jpg"}), crs=crs)))
    with pytest.raises(SourceError, match=r"feature 1, states the coordinate reference system"):
        read_source(write_json(collection(feature([1, 2], {"file": "a.jpg"}, crs=crs))))


@pytest.mark.parametrize(
    ("crs", "named"),
    [
        ({"type": "link", "properties": {"href": "https://example.org/crs"}}, "https://example.org/crs"),
        ({"type": "EPSG", "properties": {}}, '{"type": "EPSG", "properties": {}}'),
        ({"type": "name", "properties": {"name": None}}, '"name": null'),
        ({"type": "unknown"}, '{"type": "unknown"}'),
        (["EPSG:4326"], '["EPSG:4326"]'),
        (4326, "4326"),
        ({"type": "EPSG", "properties": {"code": 999999}}, "EPSG:999999"),
    ],
)
def test_what_states_no_system_is_named(write_json: WriteJson, crs: object, named: str) -> None:
    with pytest.raises(SourceError, match=f"coordinate reference system .*{re.escape(named)}.*save it again|Save"):
        read_source(write_json(collection(feature([1, 2], {"file": "a.jpg"}), crs=crs)))


@pytest.mark.parametrize("code", [4326, "4326"])
def test_the_code_of_a_system_is_read(write_json: WriteJson, code: object) -> None:
    crs = {"type": "EPSG", "properties": {"code": code}}
    [place] = read_source(write_json(collection(feature([13.25, 55.5], {"file": "a.jpg"}), crs=crs))).places
    assert place.position == LatLon(55.5, 13.25)


@pytest.mark.parametrize(
    ("system", "x", "y"),
    [
        ("EPSG:32633", 500_000, -9e9),
        ("EPSG:32633", -9e9, 5_000_000),
        ("EPSG:2056", 600_000, 200_000),  # coordinates of LV03
        ("EPSG:2056", 1_200_000, 2_600_000),  # north first
        ("urn:ogc:def:crs:EPSG::27700", 500_000, -9e9),
        ("EPSG:3857", 1_000_000, 1e9),
        ("EPSG:4258", 55.5, 13.25),  # latitude first, in a system of Europe
        ("+proj=utm +zone=33 +datum=WGS84", 500_000, -9e9),
    ],
)
def test_coordinates_outside_of_their_system_are_refused(
    write_json: WriteJson, system: str, x: float, y: float
) -> None:
    crs = {"type": "name", "properties": {"name": system}}
    [left] = read_source(write_json(collection(feature([x, y], {"file": "a.jpg"}), crs=crs))).left_out
    assert (left.path, left.code) == ("a.jpg", "invalid_position")
    assert left.reason.startswith(f"feature 1: x = {x:.12g}, y = {y:.12g} lie outside of {system}")
    assert ("which is used at longitudes" in left.reason) is not system.startswith("+proj")
    assert "state the system that the coordinates are in" in left.reason


@pytest.mark.parametrize(
    ("system", "position"),
    [
        ("EPSG:25833", LatLon(70.0, 28.0)),  # Norway is mapped in zone 33
        ("EPSG:32633", LatLon(-4.0, 15.0)),  # south of the equator in the system of the north
        ("EPSG:32633+5773", LatLon(48.2, 16.3)),  # with heights
        ("EPSG:2193", LatLon(-43.9, -176.5)),  # beyond the antimeridian, beside an area of use that ends before it
        ("EPSG:3832", LatLon(-18.1, 178.4)),  # an area of use that crosses it
        ("EPSG:3857", LatLon(78.2, 15.6)),
        ("EPSG:31256", LatLon(48.2, 16.3)),  # with another datum
    ],
)
def test_coordinates_within_or_beside_the_area_of_use_are_read(
    write_json: WriteJson, system: str, position: LatLon
) -> None:
    x, y = Transformer.from_crs("EPSG:4326", system, always_xy=True).transform(position.longitude, position.latitude)
    crs = {"type": "name", "properties": {"name": system}}
    [place] = read_source(write_json(collection(feature([x, y], {"file": "a.jpg"}), crs=crs))).places
    assert distance_m(place.position, position) < 1


@pytest.mark.parametrize(
    ("system", "position", "is_beside"),
    [
        ("EPSG:32633", LatLon(48.2, 9.0), True),  # in zone 32
        ("EPSG:32633", LatLon(48.2, 11.6), False),  # on the border of the two
        ("EPSG:25833", LatLon(70.0, 28.0), True),
        ("EPSG:3857", LatLon(48.2, 9.0), False),
        ("+proj=utm +zone=33 +datum=WGS84", LatLon(48.2, 9.0), False),  # whose area nobody knows
    ],
)
def test_positions_of_a_neighbouring_zone_are_counted(
    write_json: WriteJson, system: str, position: LatLon, *, is_beside: bool
) -> None:
    x, y = Transformer.from_crs("EPSG:4326", system, always_xy=True).transform(position.longitude, position.latitude)
    crs = {"type": "name", "properties": {"name": system}}
    listing = read_source(write_json(collection(feature([x, y], {"file": "a.jpg"}), crs=crs)))
    assert dict(listing.remarks) == ({"beside_system": 1} if is_beside else {})


def test_one_id_for_two_features(write_json: WriteJson) -> None:
    features = [feature([1, 2], {"file": name}, id="x") for name in ("a.jpg", "b.jpg")]
    with pytest.raises(SourceError, match="id 'x' to two pictures, in features 1 and 2"):
        read_source(write_json(collection(*features)))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (collection(), "list of features is empty"),
        ({"type": "FeatureCollection"}, "without a list of features"),
    ],
)
def test_collections_of_nothing_are_refused(write_json: WriteJson, document: object, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        read_source(write_json(document))


def test_the_same_pictures_by_exif_and_by_geojson(make_photo: MakePhoto, write_json: WriteJson, tmp_path: Path) -> None:
    folder = tmp_path / "street"
    for number in range(10):
        position = LatLon(55.7 + number / 7000, -13.2 - number / 3000)
        make_photo(folder / f"{number}.jpg", number, position, size=(32, 24))
    by_exif = read_source(folder)
    assert len(by_exif.places) == 10
    features = [
        feature([place.position.longitude, place.position.latitude], {"path": str(place.path)}, id=place.id)
        for place in by_exif.places
    ]
    by_geojson = read_source(write_json(collection(*features), "street.geojson"))
    assert [place.id for place in by_geojson.places] == [place.id for place in by_exif.places]
    for one, other in zip(by_geojson.places, by_exif.places, strict=True):
        assert one.path == other.path
        assert distance_m(one.position, other.position) < 1e-6
