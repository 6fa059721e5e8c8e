"""Maps of whole collections with bad pictures among the good ones: every file is placed or left out by name."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.pictures import find_pictures
from index_builder.sources.read import read_source
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.geo import LatLon
from place_map.reader import PlaceMap
from tests.conftest import write_photo
from tests.faults.map_state import left_out_of
from tests.faults.operations import small_encoder


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return small_encoder()


@dataclass(frozen=True)
class Counted:
    """Hold a map of a whole collection.

    Attributes:
        placed: Ids in the map.
        left_out: Path → outcome, code and reason.
    """

    placed: frozenset[str]
    left_out: dict[str, tuple[str, str, str]]


def build_and_count(source: Path, folder: Path, encoder: Encoder) -> Counted:
    """Build a map of all pictures of a folder, and check that each is placed, skipped or rejected."""
    report = build_map(read_source(source), encoder, folder / "town", BuildOptions(max_rejected=0.5))
    with PlaceMap.open(report.map_path) as place_map:
        placed = frozenset(place_map.places.ids)
    left_out = left_out_of(report.map_path)
    files = set(find_pictures(source))
    assert placed | left_out.keys() == files
    assert not placed & left_out.keys()
    assert report.placed + report.skipped + report.rejected == len(files)
    outcomes = [outcome for outcome, _, _ in left_out.values()]
    assert (outcomes.count("skipped"), outcomes.count("rejected")) == (report.skipped, report.rejected)
    assert all(code and reason for _, code, reason in left_out.values())
    assert verify_map(report.map_path).is_good
    return Counted(placed, left_out)


def spoiled(path: Path, number: int) -> str:
    """Break a picture in one of many ways; return the code of the refusal."""
    content = path.read_bytes()
    if number % 6 == 5:
        path.unlink()
        path.symlink_to("nowhere.jpg")
        return "missing_file"
    changed, code = [
        (b"", "empty_image"),
        (b"this is no picture", "not_an_image"),
        (b"\xff\xd8\xff\xe0 neither is this", "corrupt_image"),
        (content[: len(content) // 2], "corrupt_image"),
        (b"GIF89a" + content, "unsupported_image_format"),
    ][number % 6]
    path.write_bytes(changed)
    return code


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.faults)])
def test_a_folder_where_one_in_ten_is_broken(count: int, tmp_path: Path, encoder: Encoder) -> None:
    folder = tmp_path / "photos"
    paths = [
        write_photo(
            folder / f"{number % 7}" / f"{number:04d}.jpg", number, LatLon(55 + number / 1e4, 13), size=(64, 48)
        )
        for number in range(count)
    ]
    broken = Random(count).sample(paths, count // 10)
    expected = {
        path.relative_to(folder).as_posix(): spoiled(path, number) for number, path in enumerate(sorted(broken))
    }
    counted = build_and_count(folder, tmp_path, encoder)
    assert {path: code for path, (_, code, _) in counted.left_out.items()} == expected
    assert {outcome for outcome, _, _ in counted.left_out.values()} == {"rejected"}


def test_the_exif_fixtures(shared_dir: Path, tmp_path: Path, encoder: Encoder) -> None:
    counted = build_and_count(shared_dir / "data" / "exif_fixtures", tmp_path, encoder)
    assert (len(counted.placed), len(counted.left_out)) == (25, 31)


@pytest.mark.faults
@pytest.mark.parametrize("folder", ["database", "queries", "originals_full_size"])
def test_photographs_of_a_campus(folder: str, shared_dir: Path, tmp_path: Path, encoder: Encoder) -> None:
    counted = build_and_count(shared_dir / "data" / "penn_campus_gps" / folder, tmp_path, encoder)
    assert counted.left_out == {}
