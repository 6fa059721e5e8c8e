"""The limits of pictures are the same in every command: those of the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.errors import PlacefixError
from model.geo import LatLon
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from placefix.command_line import app
from tests.conftest import write_photo
from tests.model.images.picture_bytes import flat_jpeg

TOO_LARGE = "at most 50,000 are read"  # and the photos of the tests have 76,800


@dataclass(frozen=True)
class Village:
    photos: Path
    weights: Path
    map_path: Path


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory, tiny_network: SelaVPR) -> Village:
    folder = tmp_path_factory.mktemp("village")
    made = Village(folder / "photos", folder / "tiny.safetensors", folder / "maps" / "village")
    for number in range(4):
        write_photo(made.photos / f"{number}.jpg", number, LatLon(55 + number / 1000, 13))
    save_network(tiny_network, made.weights)
    assert "version 000001" in run("build", "--source", made.photos, "--weights", made.weights, "--out", made.map_path)
    return made


def run(*arguments: object, **variables: str) -> str:
    """Run a command, and return its output with its errors."""
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "300", **variables})
    return result.output + (result.exception.message if isinstance(result.exception, PlacefixError) else "")


def train_settings(village: Village, folder: Path) -> Path:
    sides = ("train_database", "train_queries", "val_database", "val_queries")
    lines = ["[data]", *(f'{side} = "{village.photos}"' for side in sides)]
    lines += ["[network]", f'weights = "{village.weights}"', "[run]", f'folder = "{folder / "run"}"']
    path = folder / "train.toml"
    path.write_text("\n".join(lines))
    return path


COMMANDS: dict[str, Callable[[Village, Path], list[object]]] = {
    "build": lambda v, out: ["build", "--source", v.photos, "--weights", v.weights, "--out", out / "new"],
    "add": lambda v, _: ["add", v.map_path, "--source", v.photos, "--prefix", "new/", "--max-rejected", 0],
    "update": lambda v, out: ["update", v.map_path, "--source", other_photos(out), "--source-number", 0],
    "localize": lambda v, _: ["localize", v.photos / "0.jpg", "--map", v.map_path],
    "encode": lambda v, out: ["encode", v.photos, "--weights", v.weights, "--out", out / "features.npz"],
    "evaluate": lambda v, _: ["evaluate", "--queries", v.photos, "--map", v.map_path],
    "train": lambda v, out: ["train", "--config", train_settings(v, out)],
    "show heatmap": lambda v, out: ["show", "heatmap", v.photos, "--weights", v.weights, "--out", out / "heat.png"],
    "show matches": lambda v, out: [
        *("show", "matches", v.photos / "0.jpg", v.photos / "1.jpg"),
        *("--weights", v.weights, "--out", out / "matches.png"),
    ],
    "show results": lambda v, out: [
        "show",
        "results",
        "--map",
        v.map_path,
        "--queries",
        v.photos,
        "--out",
        out / "all",
    ],
    "verify": lambda v, _: ["verify", v.map_path, "--weights", v.weights],
}


def other_photos(folder: Path) -> Path:
    """Put other pictures in the place of those of the map."""
    for number in range(4):
        write_photo(folder / "photos" / f"{number}.jpg", number + 10, LatLon(55 + number / 1000, 13))
    return folder / "photos"


@pytest.mark.parametrize(("command", "source"), [*((each, "environment") for each in COMMANDS), ("encode", "file")])
def test_every_command_takes_the_limits_of_the_settings(
    command: str, source: str, village: Village, tmp_path: Path
) -> None:
    arguments = COMMANDS[command](village, tmp_path)
    if source == "file":
        (tmp_path / "settings.toml").write_text("max_pixels = 50_000\n")
        variables = {"PLACEFIX_SETTINGS": str(tmp_path / "settings.toml")}
    else:
        variables = {"PLACEFIX_MAX_PIXELS": "50000"}
    said = run(*arguments, **variables)
    if command == "verify":  # a picture that cannot be read again is told as one that is gone
        assert "4 of 4 source pictures" in said
    elif command in {"build", "add", "update"}:
        assert "cannot be read" in said
    else:
        assert TOO_LARGE in said


def test_a_setting_that_does_not_fit_is_told(village: Village, tmp_path: Path) -> None:
    said = run(*COMMANDS["encode"](village, tmp_path), PLACEFIX_MAX_PIXELS="many")
    assert "max_pixels" in said


def test_a_photo_of_50_megapixels_goes_through_the_commands(village: Village, tmp_path: Path) -> None:
    folder = tmp_path / "phone"
    folder.mkdir()
    (folder / "@0@0@33@U@55.0@13.0@.jpg").write_bytes(flat_jpeg(8160, 6144))
    photo = next(folder.iterdir())
    (folder / "list.csv").write_text(f"path,latitude,longitude\n{photo.name},55,13\n")
    built = run(
        "build", "--source", folder / "list.csv", "--weights", village.weights, "--out", tmp_path / "maps" / "phone"
    )
    assert "1 picture" in built, built
    said = run("localize", photo, "--map", tmp_path / "maps" / "phone", "--json")
    assert '"latitude": 55' in said
    whole = (
        "evaluate",
        "--database",
        folder / "list.csv",
        "--queries",
        folder / "list.csv",
        "--weights",
        village.weights,
    )
    refused = run(*whole, "--preprocess", "official-eval")
    assert "50,135,040 pixels; at most 50,000,000 are read: here a JPEG is decoded whole" in refused
    refused = run("localize", photo, "--map", tmp_path / "maps" / "phone", PLACEFIX_MAX_PIXELS="12000000")
    assert "decoded at 1/2 4080×3072 = 12,533,760 pixels; at most 12,000,000" in refused
