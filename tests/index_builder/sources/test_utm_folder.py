"""File names of the field's data sets."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from index_builder.sources.utm_folder import is_utm_name, read_utm_picture
from model.geo import LatLon, distance_m, to_utm
from model.places import Place
from place_map.left_out import LeftOut

ROOT = Path("collection@home")
PITTSBURGH = "@0584346.94@4476917.55@17@T@040.43863@-080.00548@003313@07@090@-10@@@201311@@.jpg"
BANDS = "CDEFGHJKLMNPQRSTUVWX"


def placed(name: str) -> Place:
    found = read_utm_picture(ROOT, name)
    assert isinstance(found, Place), found
    return found


def left_out(name: str) -> LeftOut:
    found = read_utm_picture(ROOT, name)
    assert isinstance(found, LeftOut), found
    assert found.outcome == "skipped"
    assert found.path == name
    return found


def test_a_full_name() -> None:
    place = placed(f"database/007@x/{PITTSBURGH}")
    assert place.id == f"database/007@x/{PITTSBURGH}"
    assert place.path == ROOT / place.id
    assert distance_m(place.position, LatLon(40.43863, -80.00548)) < 2
    assert place.heading_deg == 90
    assert place.time == datetime(2013, 11, 1)


@pytest.mark.parametrize(
    ("name", "latitude", "longitude"),
    [
        (
            "@0381810.03@3946315.97@54@S@@@@@@@@@@@.jpg",
            35.65362,
            139.69436,
        ),  # Tokyo: band S, not the southern hemisphere
        ("@0386508.19@5820095.77@33@U@@@@@@@@@@@.png", 52.51914, 13.32734),  # Berlin
        ("@0334780.68@6252264.49@56@H@.jpg", -33.857, 151.214),  # Sydney, by band
        ("@0334780.68@6252264.49@56@S@.jpg", -33.857, 151.214),  # Sydney, by hemisphere
        ("@0334781@6252264@56@h.JPEG", -33.857, 151.214),
        ("@584346.94@4476917.55@17@T.webp", 40.43863, -80.00548),
        # Heard Island and Tokyo: the same letter, the same northings, told apart by the degrees
        ("@0410031.67@4122089.60@43@S@-53.043130@073.658026@.jpg", -53.04313, 73.658026),
        ("@0381810.03@3946315.97@54@S@035.65362@0139.69436@.jpg", 35.65362, 139.69436),
    ],
)
def test_zones_are_honoured(name: str, latitude: float, longitude: float) -> None:
    assert distance_m(placed(name).position, LatLon(latitude, longitude)) < 2


@pytest.mark.parametrize("zone_and_letter", ["@", "@17@", "@@T", "@17@Y", "@x@T", "@17@TT", "@1.7@T"])
def test_degrees_stand_in_for_a_missing_zone(zone_and_letter: str) -> None:
    zone, letter = (zone_and_letter[1:] + "@").split("@")[:2]
    name = f"@0584346.94@4476917.55@{zone}@{letter}@040.43863@-080.00548@@@@@@@@@.jpg"
    assert placed(name).position == LatLon(40.43863, -80.00548)
    assert left_out(f"@0584346.94@4476917.55@{zone}@{letter}@@@@@@@@@@@.jpg").code == "no_zone"


@pytest.mark.parametrize("degrees", ["@", "000.00000@0000.00000", "x@y", "99@0", "nan@nan"])
def test_unusable_degrees_do_not_matter(degrees: str) -> None:
    name = f"@0584346.94@4476917.55@17@T@{degrees}@@@@@@@@@.jpg"
    assert distance_m(placed(name).position, LatLon(40.43863, -80.00548)) < 2


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("@0584346.94@4476917.55@.jpg", "no_zone"),
        ("@0584346.94@4476917.55.jpg", "no_zone"),
        ("@0000005.00@0000000.00@17@T@.jpg", "invalid_position"),
        ("@0584346.94@4476917.55@61@T@.jpg", "invalid_position"),
        ("@0584346.94@4476917.55@0@T@.jpg", "invalid_position"),
        ("@0584346.94@44769170.55@17@T@.jpg", "invalid_position"),
        ("@0584346.94@4476917.55@18@T@040.43863@-080.00548@.jpg", "contradictory_position"),
        ("@0584346.94@4476917.55@17@T@-080.00548@040.43863@.jpg", "contradictory_position"),
    ],
)
def test_unusable_names(name: str, code: str) -> None:
    assert left_out(name).code == code


@given(
    st.floats(-79.9, 83.9),
    st.floats(-180, 180),
    st.integers(0, 359),
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),
    st.sampled_from([".jpg", ".JPG", ".png", ".jpeg"]),
    st.booleans(),
)
def test_names_round_trip(
    latitude: float, longitude: float, heading_deg: int, time: datetime, suffix: str, with_degrees: bool
) -> None:
    assume(latitude == 0 or abs(latitude) > 1e-6)  # nearer to the equator 80 - 1e-12 is rounded into the next band
    position = LatLon(latitude, longitude)
    utm = to_utm(position)
    letter = BANDS[min(int((latitude + 80) // 8), len(BANDS) - 1)]
    degrees = f"{latitude:09.5f}@{longitude:010.5f}" if with_degrees else "@"
    name = (
        f"@{utm.easting_m:010.2f}@{utm.northing_m:010.2f}@{utm.zone:02d}@{letter}@{degrees}@pano@00@{heading_deg:03d}"
        f"@000@@@{time:%Y%m%d_%H%M%S}@day@{suffix}"
    )
    assert is_utm_name(name)
    place = placed(name)
    assert distance_m(place.position, position) < 0.02
    assert place.heading_deg == heading_deg
    assert place.time == time.replace(microsecond=0)


@pytest.mark.parametrize(
    ("heading", "heading_deg"), [("", None), ("360", 0), ("-90", 270), ("450.5", 90.5), ("north", None), ("nan", None)]
)
def test_headings(heading: str, heading_deg: float | None) -> None:
    assert placed(f"@0584346.94@4476917.55@17@T@@@@@{heading}@@@@@@.jpg").heading_deg == heading_deg


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (PITTSBURGH, True),
        ("@0584346.94@4476917.55@.jpg", True),
        ("@584347@4476918.jpg", True),
        ("@-0000012.00@0000001.00@@@@@@@@@@@@@.jpg", True),
        ("IMG_0001.jpg", False),
        ("me@home@party.jpg", False),
        ("@home@party.jpg", False),
        ("@12.jpg", False),
        ("@@@@.jpg", False),
    ],
)
def test_what_is_such_a_name(name: str, expected: bool) -> None:
    assert is_utm_name(name) is expected


@given(st.text(alphabet="@0123456789.-STNH_x", max_size=60))
def test_nonsense_is_never_a_crash(text: str) -> None:
    name = f"@{text}.jpg"
    if is_utm_name(name):
        assert isinstance(read_utm_picture(ROOT, name), Place | LeftOut)
