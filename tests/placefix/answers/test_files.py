"""Files of answers are read back by the programs of their kind."""

import csv
import json
from pathlib import Path

import gpxpy
import pyarrow.parquet as pq
import pytest

from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from model.errors import InvalidInput
from placefix.answers.files import WRITERS, check_out, write_answers
from placefix.answers.outcome import COLUMNS, Outcome
from tests.placefix.answers.answers import OUTCOMES

ROWS = [outcome.row() for outcome in OUTCOMES]


def written(folder: Path, suffix: str) -> Path:
    out = folder / f"answers{suffix}"
    check_out(out)
    write_answers(out, iter(OUTCOMES))
    assert [path.name for path in folder.iterdir()] == [out.name]
    return out


def test_a_row_has_what_is_known() -> None:
    assert ROWS[0] == {
        "photo": "a.jpg",
        "status": "localized",
        "latitude": 55.7,
        "longitude": -13.2,
        "confidence": 0.9874,
        "radius_m": 12.5,
        "recognised_in": "lund/ö 1.jpg",
        "mutual_matches": 42,
        "map": "lund",
        "map_version": "000002",
        "gps_processing_method": (
            "PLACEFIX estimate map=lund version=000002 status=localized confidence=0.9874 radius_m=12.5 level=0.95"
        ),
        "request_id": "f1d2d2f924e986ac",
        "error": None,
        "reason": None,
    }
    assert ROWS[3]["status"] == "failed"
    assert ROWS[3]["error"] == "corrupt_image"
    assert all(list(row) == list(COLUMNS) for row in ROWS)


def test_csv(tmp_path: Path) -> None:
    with written(tmp_path, ".csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert read == [{name: "" if value is None else str(value) for name, value in row.items()} for row in ROWS]


def test_parquet(tmp_path: Path) -> None:
    table = pq.read_table(written(tmp_path, ".parquet"))
    assert table.to_pylist() == ROWS
    assert {name: str(table.schema.field(name).type) for name in ("photo", "latitude", "mutual_matches")} == {
        "photo": "string",
        "latitude": "double",
        "mutual_matches": "int64",
    }


def test_json_lines_hold_the_whole_answer(tmp_path: Path) -> None:
    lines = written(tmp_path, ".jsonl").read_text("utf-8").splitlines()
    assert tuple(map(Outcome.from_json, lines)) == OUTCOMES
    assert json.loads(lines[0])["candidates"][0]["heading_deg"] == 10.0


def test_geojson(tmp_path: Path) -> None:
    document = json.loads(written(tmp_path, ".geojson").read_text("utf-8"))
    assert document["type"] == "FeatureCollection"
    assert [feature["type"] for feature in document["features"]] == ["Feature"] * len(OUTCOMES)
    points = [feature["geometry"] for feature in document["features"]]
    assert points[0] == {"type": "Point", "coordinates": [-13.2, 55.7]}
    assert [point is None for point in points] == [False, True, False, True, True]
    assert document["features"][0]["properties"]["radius_m"] == 12.5
    assert document["features"][3]["properties"]["reason"] == "broken.jpg cannot be decoded"


@pytest.mark.parametrize("suffix", [".csv", ".geojson"])
def test_no_map_is_built_from_answers(suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"answers{suffix}"
    write_answers(out, [outcome for outcome in OUTCOMES if outcome.row()["latitude"] is not None])
    options = ReadOptions(path_column="photo") if suffix == ".csv" else ReadOptions()
    listing = read_source(out, options)
    assert listing.places == ()
    assert [left.code for left in listing.left_out] == ["estimated", "estimated"]


def test_gpx_has_what_has_a_position(tmp_path: Path) -> None:
    with written(tmp_path, ".gpx").open(encoding="utf-8") as file:
        points = gpxpy.parse(file).waypoints
    assert [(point.latitude, point.longitude) for point in points] == [(55.7, -13.2), (-33.9, 18.4)]
    assert [point.name for point in points] == ["a.jpg", "bad\ufffd.jpg"]
    assert points[0].description == "localized, 98.7% sure, within 12.5 m, map lund, version 000002"
    assert points[1].description == "uncalibrated, map lund, version 000002"


@pytest.mark.parametrize("suffix", WRITERS)
def test_no_answers_are_a_file_too(suffix: str, tmp_path: Path) -> None:
    write_answers(tmp_path / f"answers{suffix}", [])
    assert (tmp_path / f"answers{suffix}").is_file()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("answers.txt", "its suffix says what it will be, one of .csv, .geojson, .gpx, .parquet, .jsonl"),
        ("answers", "its suffix says what it will be"),
        ("nowhere/answers.csv", "there is no folder"),
        ("folder.csv", "is a folder: name a file in it"),
    ],
)
def test_what_cannot_be_written_is_told(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InvalidInput) as error:
        check_out(tmp_path / name)
    assert says in error.value.message
