"""Sets whose pictures correspond by frame number."""

from pathlib import Path

import pytest

from index_builder.errors import SourceError
from index_builder.sources.frames import read_frames
from index_builder.sources.listing import NOWHERE
from index_builder.sources.read_options import ReadOptions
from model.geo import LatLon
from tests.walks import write_walk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        (tmp_path / f"{name}.jpg").write_bytes(b"not opened")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    (folder / "run.csv").write_text(text)
    return folder / "run.csv"


def test_paths_and_frames(folder: Path) -> None:
    found = read_frames(write(folder, "path,place_id\nb.jpg,7\na.jpg,-1\n"))
    assert found.frames == {"b.jpg": 7, "a.jpg": -1}
    assert [place.path for place in found.listing.places] == [folder / "b.jpg", folder / "a.jpg"]
    assert all(place.position == NOWHERE for place in found.listing.places)
    assert (found.listing.kind, found.has_positions) == ("frames", False)


def test_positions_are_taken_where_there_are_any(folder: Path) -> None:
    file = write(folder, "frame,file,lat,lon,id\n3,a.jpg,1.5,2.5,first\n")
    found = read_frames(file)
    assert (found.frames, found.has_positions) == ({"first": 3}, True)
    assert found.listing.places[0].position == LatLon(1.5, 2.5)
    file = write(folder, "frame,file,dummy_lat,dummy_lon\n3,a.jpg,1.5,2.5\n")
    assert not read_frames(file).has_positions
    assert read_frames(file, ReadOptions(latitude_column="dummy_lat", longitude_column="dummy_lon")).has_positions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,number\na.jpg,1\n", r"lacks the column frame \(accepted: frame, .*\); its columns are path, number"),
        ("frame\n1\n", "lacks the column path"),
        ("path,frame\na.jpg,1.5\n", "line 2, has the frame number '1.5'"),
        ("path,frame\na.jpg\n", "line 2, has the frame number ''"),
        ("path,frame\na.jpg,1\na.jpg,2\n", "line 3, lists a.jpg a second time"),
        ("path,frame\ngone.jpg,1\n", "line 2, names .*gone.jpg, and there is no file"),
        ("path,frame\n", "lists no pictures"),
        ("path,frame,lat,lon\na.jpg,1,,\n", "line 2, cannot be placed: latitude or longitude is empty"),
        ("path,frame,lat,lon\na.jpg,1,0,0\n", "line 2, cannot be placed"),
    ],
)
def test_what_is_not_right_is_refused(folder: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_frames(write(folder, text))


def test_a_walk_as_gardens_point_lists_it(tmp_path: Path) -> None:
    for path in write_walk(tmp_path, "day_left", frames=200):
        path.write_bytes(b"not opened")
    found = read_frames(tmp_path / "day_left.csv")
    assert sorted(found.frames.values()) == list(range(200))
    assert not found.has_positions  # its coordinates are invented, and say so
