"""Photos that get their positions from a GPX track."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from PIL import ExifTags

from index_builder.errors import SourceError
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from index_builder.sources.tracks import Track, read_tracks
from model.errors import InvalidInput
from model.geo import LatLon
from model.positions import Unplaced

WritePicture = Callable[..., Path]
HEAD = '<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="a test">'
POINTS = f"{HEAD}<trk><trkseg>"
START = datetime(2024, 5, 6, 5, 8, tzinfo=UTC)


def write_track(file: Path, *points: tuple[float, float, int], times: bool = True) -> Path:
    said = "".join(
        f'<trkpt lat="{latitude}" lon="{longitude}">'
        + (f"<time>{START + timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}</time>" if times else "")
        + "</trkpt>"
        for latitude, longitude, second in points
    )
    file.write_text(f"{HEAD}<trk><trkseg>{said}</trkseg></trk></gpx>")
    return file


@pytest.fixture
def track(tmp_path: Path) -> Path:
    return write_track(tmp_path / "track.gpx", (48.2, 16.2, 0), (48.4, 16.4, 20), (49, 17, 600))


def taken(clock: str, zone: str | None = "+02:00") -> dict[int, object]:
    said: dict[int, object] = {ExifTags.Base.DateTimeOriginal: f"2024:05:06 {clock}"}
    return said if zone is None else {**said, ExifTags.Base.OffsetTimeOriginal: zone}


@pytest.mark.parametrize(
    ("clock", "zone", "offset_s"),
    [("07:08:10", "+02:00", None), ("05:08:10", "Z", None), ("07:08:15", "+02:00", -5), ("07:08:10", None, -7200)],
)
def test_between_two_points(
    tmp_path: Path, track: Path, write_picture: WritePicture, clock: str, zone: str | None, offset_s: float | None
) -> None:
    write_picture(tmp_path / "photos/a.jpg", camera=taken(clock, zone))
    [place] = read_source(tmp_path / "photos", ReadOptions(gpx=(track,), time_offset_s=offset_s)).places
    assert (place.position.latitude, place.position.longitude) == pytest.approx((48.3, 16.3))


@pytest.mark.parametrize(
    ("clock", "zone", "reason"),
    [
        ("07:07:59", "+02:00", "2024-05-06 05:07:59 UTC, and the track goes from 2024-05-06 05:08:00 UTC"),
        ("07:20:00", "+02:00", "and the track goes from"),
        ("07:09:00", "+02:00", "in a gap of 580 s of the track"),
        ("07:08:10", None, "its time has no time zone: say with --time-offset"),
    ],
)
def test_where_the_track_cannot_tell(
    tmp_path: Path, track: Path, write_picture: WritePicture, clock: str, zone: str | None, reason: str
) -> None:
    write_picture(tmp_path / "photos/a.jpg", camera=taken(clock, zone))
    [left] = read_source(tmp_path / "photos", ReadOptions(gpx=(track,))).left_out
    assert (left.outcome, left.code) == ("skipped", "no_position")
    assert reason in left.reason


def test_a_larger_gap_may_be_allowed(tmp_path: Path, track: Path, write_picture: WritePicture) -> None:
    write_picture(tmp_path / "photos/a.jpg", camera=taken("07:13:10"))
    [place] = read_source(tmp_path / "photos", ReadOptions(gpx=(track,), max_gap_s=600)).places
    assert place.position.latitude == pytest.approx(48.4 + 0.6 / 2)


def test_a_photo_that_knows_where_it_was_taken_keeps_that(
    tmp_path: Path, track: Path, write_picture: WritePicture
) -> None:
    gps: dict[int, object] = {1: "S", 2: (33.0, 30.0, 0.0), 3: "E", 4: (151.0, 15.0, 0.0)}
    write_picture(tmp_path / "photos/a.jpg", gps, taken("07:08:10"))
    write_picture(tmp_path / "photos/b.jpg", {**gps, 9: "V"}, taken("07:08:10"))
    own, lost = read_source(tmp_path / "photos", ReadOptions(gpx=(track,))).places
    assert own.position == LatLon(-33.5, 151.25)
    assert lost.position.latitude == pytest.approx(48.3)  # its receiver had lost the satellites


def test_a_list_without_positions(tmp_path: Path, track: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "list.csv").write_text("path,latitude,longitude,time\na.jpg,,,2024-05-06T05:08:10Z\n")
    [place] = read_source(tmp_path / "list.csv", ReadOptions(gpx=(track,))).places
    assert place.position.latitude == pytest.approx(48.3)


def test_a_list_of_times_alone(tmp_path: Path, track: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "list.csv").write_text("path,time\na.jpg,2024-05-06T05:08:10Z\n")
    [place] = read_source(tmp_path / "list.csv", ReadOptions(gpx=(track,))).places
    assert place.position.latitude == pytest.approx(48.3)
    with pytest.raises(SourceError, match="lacks the columns latitude and longitude"):
        read_source(tmp_path / "list.csv")


def test_the_short_way_over_the_antimeridian() -> None:
    found = Track((0.0, 10.0), (LatLon(0, 179.9), LatLon(0, -179.9))).position_at(
        datetime.fromtimestamp(7.5, UTC), None, 60
    )
    assert isinstance(found, LatLon)
    assert found.longitude == pytest.approx(-179.95)


def test_several_tracks_are_one(tmp_path: Path) -> None:
    files = [write_track(tmp_path / f"{name}.gpx", (48, 16, name), (49, 17, name + 10)) for name in (100, 0)]
    track = read_tracks(files)
    assert len(track.times_s) == 4
    assert list(track.times_s) == sorted(track.times_s)
    at = track.position_at((START + timedelta(seconds=105)).astimezone(timezone(timedelta(hours=9))), None, 60)
    assert isinstance(at, LatLon)
    assert at.latitude == pytest.approx(48.5)
    assert isinstance(track.position_at(None, None, 60), Unplaced)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("not XML", "is not GPX, or damaged"),
        ("<gpx><trk>", "is not GPX, or damaged"),
        (f"{HEAD}</gpx>", "no track whose points have times"),
        (f'{POINTS}<trkpt lat="1" lon="2"/></trkseg></trk></gpx>', "no track whose points have times"),
        (
            f'{POINTS}<trkpt lat="91" lon="2"><time>2024-05-06T05:08:00Z</time></trkpt></trkseg></trk></gpx>',
            "91",
        ),
    ],
)
def test_what_is_no_track(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "track.gpx").write_text(content)
    with pytest.raises(SourceError, match=reason):
        read_tracks([tmp_path / "track.gpx"])
    with pytest.raises(SourceError, match="cannot be read"):
        read_tracks([tmp_path / "nowhere.gpx"])


def test_an_offset_without_a_track_is_refused() -> None:
    with pytest.raises(InvalidInput, match="give --gpx"):
        ReadOptions(time_offset_s=5)


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "utf-16", "utf-8-sig"])
def test_the_encoding_that_a_track_states(tmp_path: Path, track: Path, encoding: str) -> None:
    stated = "" if encoding == "utf-8-sig" else f" encoding='{encoding}'"
    text = (
        track.read_text().replace("?>", f"{stated}?>").replace("<trk>", "<metadata><name>Straße</name></metadata><trk>")
    )
    (tmp_path / "other.gpx").write_bytes(text.encode(encoding))
    assert read_tracks([tmp_path / "other.gpx"]) == read_tracks([track])


def test_an_encoding_that_is_not_known(track: Path) -> None:
    track.write_text(track.read_text().replace("?>", ' encoding="none-such"?>'))
    with pytest.raises(SourceError, match="encoding that is not known"):
        read_tracks([track])
