"""``placefix map duplicates``: what it prints of a map with a drive that was uploaded twice."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from model.geo import LatLon
from place_map import layout
from place_map.errors import MapCorrupt, MapNotFound
from place_map.place_file import PlaceRecord
from place_map.reader import PlaceMap
from placefix.command_line import app
from placefix.exit_codes import ExitCode
from tests.index_builder.map_factory import write_features_map

NOON = datetime(2024, 9, 23, 12, tzinfo=UTC)
WIDE = {"COLUMNS": "200"}


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Return five pictures: the third is nearly the first, 2 m and 5 s away, and the last is the second's file."""
    features = np.eye(5, dtype=np.float16)[[0, 1, 0, 3, 4]]
    records = [
        PlaceRecord(
            f"[{name}].jpg",
            LatLon(55 + metres / 111_195, 13),
            None,
            None if seconds is None else NOON + timedelta(seconds=seconds),
            f"{name}.jpg",
            content_sum * 64,
        )
        for name, metres, seconds, content_sum in (
            ("a", 0, 0, "0"),
            ("b", 100, None, "1"),
            ("c", 2, 5, "2"),
            ("d", 3, 6, "3"),
            ("e", 700, 9, "1"),
        )
    ]
    return write_features_map(tmp_path / "town", features, records=records)


def duplicates(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["map", "duplicates", *map(str, arguments)], env=WIDE, catch_exceptions=False)


def test_groups_as_json(town: Path) -> None:
    result = duplicates(town, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "map": str(town),
        "version": "000001",
        "pictures": 5,
        "radius_m": 5.0,
        "within_s": 60.0,
        "cosine": 0.99,
        "groups": [
            {
                "first": "[a].jpg",
                "others": [
                    {
                        "id": "[c].jpg",
                        "duplicate_of": "[a].jpg",
                        "same_file": False,
                        "distance_m": pytest.approx(2, abs=0.01),
                        "cosine": 1.0,
                        "apart_s": 5.0,
                    }
                ],
            },
            {
                "first": "[b].jpg",
                "others": [
                    {
                        "id": "[e].jpg",
                        "duplicate_of": "[b].jpg",
                        "same_file": True,
                        "distance_m": pytest.approx(600, abs=0.1),
                        "cosine": 0.0,
                        "apart_s": None,
                    }
                ],
            },
        ],
    }


def test_groups_as_a_table(town: Path) -> None:
    result = duplicates(town)
    assert result.exit_code == 0
    lines = [line.replace("│", " ").split() for line in result.stdout.splitlines()]
    assert ["1", "[a].jpg"] in lines
    assert ["[c].jpg", "[a].jpg", "2.0", "1.0000", "5.0"] in lines
    assert ["[e].jpg", "[b].jpg", "600.0", "same", "file", "unknown"] in lines
    assert f"{town} version 000001: 5 pictures, 2 of them duplicates, in 2 groups" in result.stdout


@pytest.mark.parametrize(
    ("options", "firsts"),
    [
        (("--radius-m", "1"), ["[b].jpg"]),
        (("--within-s", "4"), ["[b].jpg"]),
        (("--cosine", "-1"), ["[a].jpg", "[b].jpg"]),
    ],
)
def test_limits(town: Path, options: tuple[str, ...], firsts: list[str]) -> None:
    groups = json.loads(duplicates(town, "--json", *options).stdout)["groups"]
    assert [group["first"] for group in groups] == firsts
    assert len(groups[0]["others"]) == (2 if "--cosine" in options else 1)


def test_a_map_without_duplicates(tmp_path: Path) -> None:
    records = [PlaceRecord(f"{row}", LatLon(1, row), None, None, "", f"{row}" * 64) for row in range(3)]
    path = write_features_map(tmp_path / "map", np.eye(3, dtype=np.float16), records=records)
    result = duplicates(path)
    assert (result.exit_code, result.stdout.strip()) == (0, f"{path} version 000001: 3 pictures, no duplicates")


def test_what_is_refused(town: Path, tmp_path: Path) -> None:
    with pytest.raises(MapNotFound):
        duplicates(tmp_path / "nowhere")
    for options in (("--radius-m", "-1"), ("--radius-m", "20000"), ("--cosine", "2"), ("--within-s", "-1")):
        assert duplicates(town, *options).exit_code == ExitCode.USAGE
    with PlaceMap.open(town) as place_map:
        segment = place_map.manifest.segments[0].id
    file = layout.segment_dir(town, segment) / layout.GLOBALS
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(MapCorrupt, match="damaged"):
        duplicates(town)
