"""Positions, headings and times as cameras write them, and as they go wrong."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from index_builder.sources.exif import exif_geotag, exif_time
from index_builder.sources.photo import read_photo
from index_builder.sources.read import read_source
from index_builder.sources.rules import Rules
from model.exif_position import Directory, exif_position
from model.geo import LatLon
from model.places import Place
from model.positions import Unplaced
from place_map.left_out import LeftOut

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.JpegImagePlugin"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.Image"),
]

GPS = ExifTags.GPS
SYDNEY: dict[int, object] = {1: "S", 2: (33.0, 51.0, 31.2), 3: "E", 4: (151.0, 12.0, 36.0)}
SYDNEY_POSITION = LatLon(-33 - 51 / 60 - 31.2 / 3600, 151 + 12 / 60 + 36 / 3600)
NAN = IFDRational(0, 0)

WritePicture = Callable[..., Path]


def block(gps: Directory, camera: Directory | None = None, base: Directory | None = None) -> Image.Exif:
    """Read the EXIF block of a file."""
    made = Image.Exif()
    for tag, value in (base or {}).items():
        made[tag] = value
    made[ExifTags.IFD.GPSInfo] = dict(gps)
    made[ExifTags.IFD.Exif] = dict(camera or {})
    result = Image.Exif()
    result.load(made.tobytes())
    return result


def written(gps: Directory, camera: Directory | None = None) -> tuple[Directory, Directory]:
    """Read the directories of a file."""
    result = block(gps, camera)
    return result.get_ifd(ExifTags.IFD.GPSInfo), result.get_ifd(ExifTags.IFD.Exif)


# --- positions ---------------------------------------------------------------------------------------------------


def test_degrees_minutes_seconds() -> None:
    assert exif_position(written(SYDNEY)[0]) == SYDNEY_POSITION


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_positions_round_trip(latitude: float, longitude: float) -> None:
    gps = {1: "N" if latitude >= 0 else "S", 2: _dms(latitude), 3: "E" if longitude >= 0 else "W", 4: _dms(longitude)}
    found = exif_position(written(gps)[0])
    if abs(latitude) < 1e-7 and abs(longitude) < 1e-7:
        return
    assert isinstance(found, LatLon)
    assert found.latitude == pytest.approx(latitude, abs=1e-7)
    assert found.longitude == pytest.approx(longitude, abs=1e-7)


def _dms(angle: float) -> tuple[float, float, IFDRational]:
    units = round(abs(angle) * 3600 * 10_000)
    return units // 36_000_000, units // 600_000 % 60, IFDRational(units % 600_000, 10_000)


@pytest.mark.parametrize(
    ("refs", "signs"),
    [
        (("N", "E"), (1, 1)),
        (("S", "W"), (-1, -1)),
        (("n", "w"), (1, -1)),
        (("South", "East"), (-1, 1)),
        (("S ", "E\0"), (-1, 1)),
    ],
)
def test_hemispheres(refs: tuple[str, str], signs: tuple[int, int]) -> None:
    found = exif_position(written({1: refs[0], 2: (10.0, 30.0, 0.0), 3: refs[1], 4: (20.0, 15.0, 0.0)})[0])
    assert found == LatLon(signs[0] * 10.5, signs[1] * 20.25)


def test_hemispheres_as_bytes() -> None:
    gps = {1: b"S\0", 2: (10.0, 30.0, 0.0), 3: b"W\0", 4: (20.0, 15.0, 0.0)}
    assert exif_position(gps) == LatLon(-10.5, -20.25)


@pytest.mark.parametrize("parts", [(10.5,), (10.0, 30.0), (10.0, 30.0, 0.0), 10.5])
def test_decimal_degrees_and_minutes(parts: object) -> None:
    assert exif_position(written({1: "N", 2: parts, 3: "E", 4: parts})[0]) == LatLon(10.5, 10.5)


def test_longitudes_may_go_on_to_360() -> None:
    gps = {1: "N", 2: (10.0, 30.0, 0.0), 3: "E", 4: (343.0, 30.0, 0.0)}
    assert exif_position(written(gps)[0]) == LatLon(10.5, -16.5)


@pytest.mark.parametrize(
    ("gps", "code"),
    [
        ({}, "no_position"),
        ({1: "N", 3: "E"}, "no_position"),
        ({1: "N", 2: (1.0, 2.0, 3.0), 3: "E"}, "no_position"),
        ({1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}, "null_island"),
        ({2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, "null_island"),
        ({1: "N", 2: (NAN, NAN, NAN), 3: "E", 4: (NAN, NAN, NAN)}, "invalid_position"),
        ({1: "N", 2: (48.0, NAN, 0.0), 3: "E", 4: (21.0, 2.0, 0.0)}, "invalid_position"),
        ({1: "N", 2: (IFDRational(48, 0), 0.0, 0.0), 3: "E", 4: (21.0, 2.0, 0.0)}, "invalid_position"),
        ({1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (21.0, 2.0, 0.0)}, "invalid_position"),
        ({1: "N", 2: (90.0, 0.0, 1.0), 3: "E", 4: (21.0, 2.0, 0.0)}, "invalid_position"),
        ({1: "N", 2: (45.0, 0.0, 0.0), 3: "E", 4: (360.0, 2.0, 0.0)}, "invalid_position"),
        ({1: "N", 2: (45.0, 61.0, 0.0), 3: "E", 4: (18.0, 2.0, 0.0)}, "invalid_position"),
        ({1: "N", 2: (1.0, 2.0, 3.0, 4.0), 3: "E", 4: (18.0, 2.0, 0.0)}, "invalid_position"),
        ({2: (45.0, 0.0, 0.0), 3: "E", 4: (18.0, 2.0, 0.0)}, "no_hemisphere"),
        ({1: "N", 2: (45.0, 0.0, 0.0), 4: (18.0, 2.0, 0.0)}, "no_hemisphere"),
        ({1: "?", 2: (45.0, 0.0, 0.0), 3: "E", 4: (18.0, 2.0, 0.0)}, "no_hemisphere"),
    ],
)
def test_what_is_no_position(gps: dict[int, object], code: str) -> None:
    found = exif_position(written(gps)[0])
    assert isinstance(found, Unplaced)
    assert found.code == code


def test_signed_degrees() -> None:
    """Against the standard, and clear nevertheless; but marked with the other hemisphere they contradict themselves."""
    assert exif_position({2: -10.5, 3: "W", 4: -20.25}) == LatLon(-10.5, -20.25)
    contradiction = exif_position({1: "N", 2: -10.5, 3: "W", 4: -20.25})
    assert isinstance(contradiction, Unplaced)
    assert contradiction.code == "invalid_position"


def test_text_is_no_number() -> None:
    assert isinstance(exif_position({1: "N", 2: "10.5", 3: "E", 4: "20"}), Unplaced)


_VALUES = st.one_of(
    st.none(),
    st.text(max_size=4),
    st.binary(max_size=4),
    st.integers(-400, 400),
    st.floats(),
    st.tuples(st.floats(), st.floats(), st.floats()),
    st.tuples(st.builds(IFDRational, st.integers(-400, 400), st.integers(0, 3))),
)


@given(
    st.dictionaries(st.sampled_from([1, 2, 3, 4, 7, 16, 17, 29]), _VALUES),
    st.dictionaries(st.sampled_from([0x9003, 0x9011]), _VALUES),
)
def test_nonsense_is_never_a_crash(gps: dict[int, object], camera: dict[int, object]) -> None:
    assert isinstance(exif_position(gps), LatLon | Unplaced)
    assert isinstance(exif_time(gps, camera), datetime | None)


# --- headings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "direction", "heading_deg"),
    [
        ("T", 177.5, 177.5),
        ("t", 360.0, 0.0),
        ("True", 0.0, 0.0),
        ("T", NAN, None),
        ("M", 46.5, None),
        ("m", 46.5, None),
        ("", 46.5, 46.5),
        (None, 46.5, 46.5),
    ],
)
def test_headings(ref: str | None, direction: object, heading_deg: float | None) -> None:
    gps = {**SYDNEY, 17: direction} | ({} if ref is None else {16: ref})
    assert Rules().settle(exif_geotag(block(gps))).heading_deg == heading_deg


# --- times -------------------------------------------------------------------------------------------------------

CAMERA: dict[int, object] = {ExifTags.Base.DateTimeOriginal: "2024:09:23 16:06:58"}


def test_satellite_time_comes_first() -> None:
    gps = {**SYDNEY, 29: "2024:09:23", 7: (20.0, 6.0, 57.25)}
    assert exif_time(*written(gps, CAMERA)) == datetime(2024, 9, 23, 20, 6, 57, 250_000, tzinfo=UTC)


def test_camera_time_with_its_zone() -> None:
    camera: dict[int, object] = {**CAMERA, ExifTags.Base.OffsetTimeOriginal: "-04:00"}
    expected = datetime(2024, 9, 23, 16, 6, 58, tzinfo=timezone(timedelta(hours=-4)))
    found = exif_time(*written(SYDNEY, camera))
    assert found == expected
    assert found is not None
    assert found.utcoffset() == timedelta(hours=-4)


@pytest.mark.parametrize(
    "gps",
    [
        {},
        {29: "2024:09:23"},
        {7: (1.0, 2.0, 3.0)},
        {29: "0000:00:00", 7: (0.0, 0.0, 0.0)},
        {29: "2024:09:23", 7: (NAN, NAN, NAN)},
        {29: "2024:09:23", 7: (25.0, 0.0, 0.0)},
        {29: "9999:12:31", 7: (24.0, 0.0, 0.0)},
    ],
)
def test_camera_time_without_a_zone(gps: dict[int, object]) -> None:
    camera: dict[int, object] = {**CAMERA, ExifTags.Base.OffsetTimeOriginal: "   :  "}
    assert exif_time(*written({**SYDNEY, **gps}, camera)) == datetime(2024, 9, 23, 16, 6, 58)


@pytest.mark.parametrize("text", ["", "0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday"])
def test_no_time(text: str) -> None:
    assert exif_time(*written(SYDNEY, {ExifTags.Base.DateTimeOriginal: text})) is None


# --- pictures ----------------------------------------------------------------------------------------------------


def test_a_picture(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "a/b.jpg", {**SYDNEY, 16: "T", 17: 90.0}, CAMERA)
    place = read_photo(tmp_path, "a/b.jpg")
    assert isinstance(place, Place)
    assert place.id == "a/b.jpg"
    assert place.path == tmp_path / "a/b.jpg"
    assert place.position.latitude == pytest.approx(-33.8586667, abs=1e-7)
    assert place.heading_deg == 90
    assert place.time == datetime(2024, 9, 23, 16, 6, 58)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_every_format_carries_positions(tmp_path: Path, write_picture: WritePicture, image_format: str) -> None:
    write_picture(tmp_path / "photo.jpg", SYDNEY, image_format=image_format)
    assert isinstance(read_photo(tmp_path, "photo.jpg"), Place)


def test_broken_exif_is_skipped(tmp_path: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "a.jpg", raw_exif=b"Exif\0\0nonsense, all of it")
    found = read_photo(tmp_path, "a.jpg")
    assert isinstance(found, LeftOut)
    assert (found.path, found.outcome, found.code) == ("a.jpg", "skipped", "corrupt_exif")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_image"),
        (b"hello", "not_an_image"),
        (b"GIF89a" + bytes(40), "unsupported_image_format"),
        (b"\xff\xd8\xff" + bytes(40), "corrupt_image"),
    ],
)
def test_what_is_no_picture_is_rejected(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    found = read_photo(tmp_path, "a.jpg")
    assert isinstance(found, LeftOut)
    assert (found.outcome, found.code) == ("rejected", code)
    assert "a.jpg" in found.reason


# --- photographs -------------------------------------------------------------------------------------------------


def test_every_exif_fixture_is_placed_right_or_left_out_for_the_right_reason(shared_dir: Path) -> None:
    folder = shared_dir / "data/exif_fixtures"
    listing = read_source(folder)
    places = {place.id: place for place in listing.places}
    left_out = {each.path: (each.outcome, each.code) for each in listing.left_out}
    with (folder / "images.csv").open(newline="") as file:
        truth = list(csv.DictReader(file))
    assert len(listing) == len(truth) == 56
    reasons = {
        "no": ("skipped", "no_position"),
        "null_island": ("skipped", "null_island"),
    }
    for row in truth:
        path = row["path"]
        if row["gps"] == "yes":
            assert places[path].position.latitude == pytest.approx(float(row["lat"]), abs=1e-5), path
            assert places[path].position.longitude == pytest.approx(float(row["lon"]), abs=1e-5), path
        elif row["gps"] == "nan":  # seconds of 0/0 behind minutes with decimals
            assert places[path].position.latitude == pytest.approx(48 + 53.32358 / 60)
        elif path.endswith("adobe_coords.jpg"):  # its XMP says where, and that it is a panorama
            assert left_out[path] == ("skipped", "panorama"), path
        elif row["pillow_error"]:
            assert left_out[path] == ("rejected", "corrupt_image"), path
        else:
            assert left_out[path] == reasons[row["gps"]], path


def test_exif_fixtures_with_known_headings_and_times(shared_dir: Path) -> None:
    folder = shared_dir / "data/exif_fixtures/images"
    places = {place.id: place for place in read_source(folder).places}
    iphone = places["metadata-extractor/Apple_iPhone_4.jpg"]
    assert iphone.heading_deg == pytest.approx(177.558, abs=1e-3)
    assert places["metadata-extractor/Sony_DSC-HX5V_2_.jpg"].heading_deg is None  # it has magnetic north
    unmarked = places["mapillary_tools/corrupt_exif.jpg"]
    assert unmarked.heading_deg == pytest.approx(147.95984, abs=1e-5)
    nikon = places["exif-samples_gps/DSCN0010.jpg"]
    assert nikon.time == datetime(2008, 10, 23, 14, 27, 7, 240_000, tzinfo=UTC)


@pytest.mark.parametrize(("folder", "subfolder"), [("lund_berlin_gps", "database"), ("penn_campus_gps", "queries")])
def test_photographs_stand_where_their_csv_says(shared_dir: Path, folder: str, subfolder: str) -> None:
    root = shared_dir / "data" / folder
    by_exif = {f"{subfolder}/{place.id}": place.position for place in read_source(root / subfolder).places}
    by_csv = {place.id: place.position for place in read_source(root / f"{subfolder}.csv").places}
    assert by_exif.keys() == by_csv.keys()
    for each, position in by_csv.items():
        assert by_exif[each].latitude == pytest.approx(position.latitude, abs=1e-5)
        assert by_exif[each].longitude == pytest.approx(position.longitude, abs=1e-5)
