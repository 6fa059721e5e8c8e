"""``placefix map outliers`` on small maps of real pictures, one of them at a wrong position."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.read import read_source
from model.codes import as_features
from model.encoder import Encoder
from model.errors import InvalidInput
from model.geo import LatLon, distance_m
from model.matching import count_mutual_matches
from model.selavpr.initialisation import seeded_network
from model.weights import save_network
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from placefix.command_line import app
from placefix.outliers.own_matches import ask_own_pictures
from placefix.outliers.suspects import Pictures
from service.localizer import Localizer
from tests.conftest import TINY_CONFIG

PLACES, VIEWS = 8, 5
MOVED = "view-3-2.png"
ITS_PLACE, OTHER_PLACE = 3, 6
WIDE = {"COLUMNS": "200"}


def position_of(place: int, view: int) -> LatLon:
    """Return where a picture was taken: places are 222 m apart, views of one 3 m."""
    return LatLon(55 + place / 500, 13 + view / 20_000)


def write_views(folder: Path) -> None:
    """Write pictures of places: views of one differ by noise."""
    folder.mkdir()
    for place in range(PLACES):
        scene = np.random.default_rng(place).integers(0, 256, (10, 10, 3), dtype=np.uint8)
        pixels = np.asarray(Image.fromarray(scene).resize((224, 224), Image.Resampling.BICUBIC), dtype=np.float64)
        for view in range(VIEWS):
            noise = np.random.default_rng([place, view]).normal(0, 8, pixels.shape)
            name = folder / f"view-{place}-{view}.png"
            Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8)).save(name)
    (folder / "copy.png").write_bytes((folder / MOVED).read_bytes())


def build(folder: Path, name: str, encoder: Encoder, positions: dict[str, LatLon]) -> Path:
    """Build a map of some of the pictures."""
    source = folder / "views" / f"{name}.csv"
    lines = [f"{file},{position.latitude},{position.longitude}" for file, position in positions.items()]
    source.write_text("\n".join(["path,latitude,longitude", *lines]) + "\n", "utf-8")
    options = BuildOptions(batch_size=20, thumbnails=False)
    build_map(read_source(source), encoder, folder / name, options, weights_path=folder / "network.safetensors")
    return folder / name


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Return a network with patches of 28 pixels, which has 29 × 29 cells a picture instead of 61 × 61."""
    return Encoder(seeded_network(replace(TINY_CONFIG, patch_size=28), seed=7))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """Return maps ``right``, and ``wrong`` with one picture at another place, twice: its copy is there, too."""
    folder = tmp_path_factory.mktemp("outliers")
    write_views(folder / "views")
    save_network(seeded_network(replace(TINY_CONFIG, patch_size=28), seed=7), folder / "network.safetensors")
    right = {f"view-{place}-{view}.png": position_of(place, view) for place in range(PLACES) for view in range(VIEWS)}
    build(folder, "right", encoder, right)
    wrong_position = position_of(OTHER_PLACE, 2)
    build(folder, "wrong", encoder, right | {MOVED: wrong_position, "copy.png": wrong_position})
    return folder


def outliers(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["map", "outliers", *map(str, arguments)], env=WIDE)


def test_a_right_map_has_none(folder: Path, tmp_path: Path) -> None:
    table, points = tmp_path / "suspects.csv", tmp_path / "suspects.geojson"
    result = outliers(folder / "right", "--csv", table, "--geojson", points)
    assert result.exit_code == 0, result.output
    assert "40 pictures, no suspect positions" in result.stdout
    assert "a wrong position would show, by pictures within 25 m of the right one: all 40" in result.stdout
    assert len(table.read_text("utf-8").splitlines()) == 1
    assert json.loads(points.read_text("utf-8")) == {"type": "FeatureCollection", "features": []}


def test_the_moved_picture_and_its_copy_are_listed_in_every_form(folder: Path, tmp_path: Path) -> None:
    table, points = tmp_path / "suspects.csv", tmp_path / "suspects.geojson"
    result = outliers(folder / "wrong", "--json", "--csv", table, "--geojson", points)
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    assert (told["pictures"], told["version"], told["within_m"], told["beyond_m"]) == (41, "000001", 25, 100)
    suspects = told["suspects"]
    assert sorted(each["id"] for each in suspects) == ["copy.png", MOVED]
    for each in suspects:
        said = LatLon(each["latitude"], each["longitude"])
        evidence = LatLon(each["evidence_latitude"], each["evidence_longitude"])
        assert distance_m(said, position_of(OTHER_PLACE, 2)) < 0.01
        assert distance_m(evidence, position_of(ITS_PLACE, 2)) < 25
        assert each["evidence_id"].startswith(f"view-{ITS_PLACE}-")
        assert each["distance_m"] == pytest.approx(distance_m(said, evidence), abs=0.1)
        assert each["pictures_there"] == VIEWS - 1
        assert each["matches_there"] > each["matches_here"]
        assert each["excess"] > told["threshold"]
    with table.open(newline="", encoding="utf-8") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [each["id"] for each in suspects]
    features = json.loads(points.read_text("utf-8"))["features"]
    assert [feature["properties"] for feature in features] == suspects
    assert [feature["geometry"] for feature in features] == [
        {"type": "Point", "coordinates": [each["evidence_longitude"], each["evidence_latitude"]]} for each in suspects
    ]


def test_the_table_names_positions_and_matches(folder: Path) -> None:
    result = outliers(folder / "wrong")
    assert result.exit_code == 0, result.output
    [line] = [line for line in result.stdout.splitlines() if MOVED in line]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[1] == "55.012000, 13.000100"
    assert cells[2].startswith("55.006000, 13.000")
    assert cells[3] == "667"
    assert int(cells[4]) > int(cells[5])
    assert "41 pictures, 2 suspect positions" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--within-m", 60], "at least twice"),
        (["--within-m", 0], "above 0"),
        (["--csv", "nowhere/suspects.csv"], "there is no folder"),
        (["--geojson", "."], "this is a folder"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(folder: Path, arguments: list[object], said: str) -> None:
    result = outliers(folder / "right", *arguments)
    assert isinstance(result.exception, InvalidInput)
    assert said in result.exception.message
    assert result.stderr == ""  # nothing was begun


def test_an_interrupted_run_leaves_the_old_files(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "suspects.csv"
    table.write_text("of an earlier run", "utf-8")
    asked = 0
    real = Localizer.localize

    def interrupted(self: Localizer, *arguments: Any, **options: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise KeyboardInterrupt
        return real(self, *arguments, **options)

    monkeypatch.setattr(Localizer, "localize", interrupted)
    result = outliers(folder / "right", "--csv", table)
    assert result.exit_code == 130
    assert [file.read_text("utf-8") for file in tmp_path.iterdir()] == ["of an earlier run"]


def test_pictures_are_asked_without_themselves_and_their_copies(folder: Path, encoder: Encoder) -> None:
    with PlaceMap.open(folder / "wrong") as place_map:
        localizer = Localizer(encoder, place_map, open_searcher(place_map, torch.device("cpu")))
        contents = Pictures.of(place_map.places).contents
        count = len(place_map)
        own = ask_own_pictures(localizer, count, contents)
        rows = np.arange(count)
        stored = place_map.local_features(rows)
    assert own.rows.shape == own.matches.shape == (count, count - 1)
    for row in (0, place_map.places.row_of(MOVED), place_map.places.row_of("copy.png")):
        assert row is not None
        others = rows[contents != contents[row]]
        expected = count_mutual_matches(as_features(stored[row]), stored[others], precision="fast")
        asked = own.rows[row] != row
        assert dict(zip(own.rows[row][asked].tolist(), own.matches[row][asked].tolist(), strict=True)) == dict(
            zip(others.tolist(), expected.tolist(), strict=True)
        )
        assert (own.matches[row][~asked] == 0).all()
        assert len(others) == (count - 1 if row == 0 else count - 2)
