"""``placefix map describe``: its text, its JSON, its picture, and what it refuses."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner, Result

from index_builder.description.describe import describe_map
from index_builder.description.extent import BoundingBox
from model.encoder import Encoder
from model.errors import InvalidInput, StorageError
from place_map.errors import MapCorrupt, MapNotFound
from place_map.reader import PlaceMap
from placefix.command_line import app
from placefix.description_text import print_description
from placefix.wording import area, corners, length, share
from tests.index_builder.map_factory import build_small, unit_rows, write_features_map
from tests.model.descriptors.small_networks import small_network, small_size


@pytest.fixture(scope="module")
def map_path(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder) -> Path:
    return build_small(tmp_path_factory.mktemp("describe"), tiny_encoder).map_path


def describe(*arguments: object) -> Result:
    """Run the command in this process, and raise its error if it refuses."""
    return CliRunner().invoke(app, ["map", "describe", *map(str, arguments)], catch_exceptions=False)


def test_the_text_says_what_the_map_holds(map_path: Path) -> None:
    result = describe(map_path)
    assert result.exit_code == 0
    for says in (
        "town  version 000001",
        "pictures     6",
        "float32, antialias",
        "licence      not known",
        "int8, compared by mutual-matches, index Flat",
        "111 m to the nearest other",
        "3 of 6 (50.0 %) have one",
        "none of 3 have another within 25 m",
        "none of 6 have one",
        "in 2 segments",
        "looking",
    ):
        assert says in result.stdout, says
    assert "taken" not in result.stdout
    assert "beside it" not in result.stdout


def test_the_two_histograms_stand_beside_each_other_in_80_columns(map_path: Path) -> None:
    console = Console(width=80, record=True, file=Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    with PlaceMap.open(map_path) as place_map:
        print_description(describe_map(place_map), console)
    console.file.close()
    assert max(len(line.rstrip()) for line in console.export_text().splitlines()) <= 80


def test_the_json_has_every_number(map_path: Path) -> None:
    found = json.loads(describe(map_path, "--json").stdout)
    with PlaceMap.open(map_path) as place_map:
        described = describe_map(place_map)
    assert found["name"] == "town"
    [source] = found["sources"]
    assert (source["kind"], source["prefix"], source["pictures"]) == ("exif folder", "", 6)
    assert found["network"]["fingerprint"] == described.network_fingerprint
    assert (found["network"]["weights_licence"], found["reranker"]) == (None, "mutual-matches")
    assert found["bounding_box"]["south_deg"] == pytest.approx(55)
    assert found["bounding_box"]["height_m"] == pytest.approx(556, abs=1)
    assert found["covered"]["cell_m"] == 100
    assert found["density_per_km2"] == round(6 / found["covered"]["area_km2"], 1)
    assert found["median_nearest_m"] == pytest.approx(111.19, abs=0.02)
    assert found["headings"]["by_direction"]["N"] == 3
    assert found["headings"]["same_view"] == {
        "within_m": 25,
        "within_deg": 40,
        "pictures": 0,
        "share_of_known": 0,
    }
    assert found["dates"] == {"known": 0, "first": None, "last": None, "unit": None, "histogram": []}
    parts = ("global_features", "local_features", "thumbnails", "tables", "index", "left_out")
    assert sum(found["bytes"][part] for part in parts) == found["bytes"]["version"]
    assert found["other_versions"] == 0


def test_the_picture_shows_the_positions(map_path: Path, tmp_path: Path) -> None:
    result = describe(map_path, "--out", tmp_path / "town.png", "--json")
    assert json.loads(result.stdout)["pictures"] == 6
    with Image.open(tmp_path / "town.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    height, width, _ = pixels.shape
    assert width > height > 700
    plan = pixels[int(0.15 * height) : int(0.89 * height), int(0.05 * width) : int(0.6 * width)]
    blue_rows = np.flatnonzero((plan[..., 2] - plan[..., 0] > 40).any(axis=1))
    # Six pictures in a line to the north are six dots below each other.
    assert (np.diff(blue_rows) > 1).sum() == 5
    assert list(tmp_path.iterdir()) == [tmp_path / "town.png"]


@pytest.mark.parametrize(("suffix", "begins"), [(".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")])
def test_the_same_map_is_drawn_to_the_same_bytes(map_path: Path, tmp_path: Path, suffix: str, begins: bytes) -> None:
    drawn = []
    for name in ("one", "two"):
        describe(map_path, "--out", tmp_path / f"{name}{suffix}")
        drawn.append((tmp_path / f"{name}{suffix}").read_bytes())
    assert drawn[0].startswith(begins)
    assert drawn[0] == drawn[1]


def test_the_licence_is_stated_and_a_map_without_local_features_names_no_reranker(
    tmp_path: Path,
) -> None:
    for family, told in (
        ("superglue", ("licence      non-commercial research only", "int8, compared by superglue, index Flat")),
        ("cosplace", ("licence      not known", "no local ones, index Flat")),
    ):
        network = small_network(family)
        encoder = Encoder(network, preparation=network.preparation(size=small_size(family)))
        text = describe(build_small(tmp_path / family, encoder).map_path).stdout
        assert all(says in text for says in told), text


def test_a_map_of_one_picture_with_an_odd_name_is_drawn(tmp_path: Path) -> None:
    path = write_features_map(tmp_path / "$a_1$", unit_rows(np.ones((1, 8))))
    describe(path, "--out", tmp_path / "one.svg")
    assert (tmp_path / "one.svg").stat().st_size > 1000
    assert "a single picture" in describe(path).stdout


@pytest.mark.parametrize("name", ["map.jpg", "map", "map.png.gz"])
def test_other_suffixes_are_refused_before_the_map_is_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"must end in \.png or \.svg or \.pdf"):
        describe(tmp_path / "no map", "--out", tmp_path / name)


def test_what_cannot_be_written_is_told_first(map_path: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no folder"):
        describe(tmp_path / "no map", "--out", tmp_path / "nowhere" / "map.png")
    folder = tmp_path / "folder.png"
    folder.mkdir()
    with pytest.raises(InvalidInput, match="this is a folder"):
        describe(map_path, "--out", folder)


def test_a_folder_that_takes_no_files_is_an_error(map_path: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):  # the superuser may write everywhere but where the kernel refuses
        if sys.platform != "linux":
            pytest.skip("this user may write into every folder")
        with pytest.raises(StorageError, match=r"/proc/map\.png cannot be written"):
            describe(map_path, "--out", "/proc/map.png")
    else:
        with pytest.raises(InvalidInput, match="nothing may be written into the folder"):
            describe(map_path, "--out", closed / "map.png")


def test_without_matplotlib_the_command_says_what_to_install(
    map_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InvalidInput, match=r"pip install 'placefix\[plots\]'"):
        describe(map_path, "--out", tmp_path / "map.png")
    assert describe(map_path).exit_code == 0


def test_no_map_and_a_damaged_map(tmp_path: Path) -> None:
    with pytest.raises(MapNotFound, match="is not there"):
        describe(tmp_path / "nowhere")
    path = write_features_map(tmp_path / "town", unit_rows(np.ones((2, 8))))
    (path / "segments/000001/places.parquet").write_bytes(b"PAR1")
    with pytest.raises(MapCorrupt, match=r"places\.parquet"):
        describe(path)


def test_the_words() -> None:
    assert [length(metres) for metres in (3.62, 25, 999, 1240, 38_000, 1_234_567)] == [
        "3.6 m",
        "25 m",
        "999 m",
        "1.24 km",
        "38 km",
        "1,235 km",
    ]
    assert [area(square_km) for square_km in (0.01, 43.08, 1430.4)] == ["0.01 km²", "43.1 km²", "1,430 km²"]
    assert [share(part, 4) for part in (0, 1, 4)] == ["none of 4", "1 of 4 (25.0 %)", "all 4"]
    assert corners(BoundingBox(-1, 179, 2, -179)) == "1.00000° S to 2.00000° N, 179.00000° E to 179.00000° W"
    assert corners(BoundingBox(1, 2, 1, 3)) == "1.00000° N, 2.00000° to 3.00000° E"
