"""``placefix show``: the pictures that it writes, and what it refuses."""

import csv
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.read import read_source
from model.encoder import Encoder
from model.errors import PlacefixError
from model.geo import LatLon
from model.images import open_image
from model.matching import count_mutual_matches
from model.preprocess import preprocess
from model.selavpr.config import LocalFeatures
from model.selavpr.initialisation import seeded_network
from model.starter.package_weights import load_starter
from model.weights import save_network
from placefix.command_line import app
from placefix.drawings.canvas import MARGIN_PX
from placefix.drawings.colours import RIGHT, UNKNOWN, WRONG
from placefix.drawings.results import CELL_WIDTH_PX, FRAME_PX, TILE_GAP_PX, TILE_HEIGHT_PX
from tests.conftest import TINY_CONFIG, write_photo

HERE = LatLon(55.7, 13.2)


@dataclass(frozen=True)
class Village:
    """Hold networks, a map of three places, and pictures to ask with.

    Attributes:
        weights: A network with dense features.
        coarse_weights: One without local adaptation.
        map_path: The map of the pictures 0.jpg to 2.jpg in ``photos``, built with ``weights``.
        photos: The folder of the map's pictures.
        queries: right.jpg is the very picture 1.jpg; wrong.jpg too, and says that it was taken far away;
            unknown.jpg says nothing.
    """

    weights: Path
    coarse_weights: Path
    map_path: Path
    photos: Path
    queries: Path


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Village:
    folder = tmp_path_factory.mktemp("village")
    made = Village(
        folder / "dense.safetensors",
        folder / "coarse.safetensors",
        folder / "maps" / "village",
        folder / "photos",
        folder / "queries",
    )
    network = seeded_network(TINY_CONFIG, seed=7)
    coarse = seeded_network(replace(TINY_CONFIG, local_features="coarse"), seed=8)
    with torch.no_grad():  # a mean over channels is zero behind a normalisation that was never trained
        network.backbone.norm.weight.copy_(torch.linspace(0.1, 2, TINY_CONFIG.embed_dim))
    save_network(network, made.weights)
    save_network(coarse, made.coarse_weights)
    for number in range(3):
        write_photo(made.photos / f"{number}.jpg", number, LatLon(HERE.latitude + 0.01 * number, HERE.longitude))
    build_map(read_source(made.photos), Encoder(network), made.map_path, BuildOptions(), weights_path=made.weights)
    write_photo(made.queries / "right.jpg", 1, LatLon(HERE.latitude + 0.0101, HERE.longitude))
    write_photo(made.queries / "unknown.jpg", 1)
    write_photo(made.queries / "wrong.jpg", 1, LatLon(-33.0, 18.0))
    return made


def show(*arguments: object) -> Result:
    """Run the command line in this process, and raise its error if it refuses."""
    result = CliRunner().invoke(app, ["show", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def first_frame(path: Path) -> object:
    """Return the colour of the first candidate's frame in a picture of one query."""
    left = MARGIN_PX + CELL_WIDTH_PX + TILE_GAP_PX + FRAME_PX // 2
    return open_image(path).getpixel((left, MARGIN_PX + TILE_HEIGHT_PX // 2))


def test_frames_tell_right_from_wrong_from_unknown(village: Village, tmp_path: Path) -> None:
    result = show("results", "--map", village.map_path, "--queries", village.queries, "--out", tmp_path / "out")
    assert names_in(tmp_path / "out") == ["0001-right.png", "0002-unknown.png", "0003-wrong.png", "sheet-001.png"]
    assert first_frame(tmp_path / "out" / "0001-right.png") == RIGHT
    assert first_frame(tmp_path / "out" / "0002-unknown.png") == UNKNOWN
    assert first_frame(tmp_path / "out" / "0003-wrong.png") == WRONG
    assert result.stdout.startswith("first candidate within 25 m: 1 of 2 queries; 1 of unknown position\n")
    sheet, single = (open_image(tmp_path / "out" / name) for name in ("sheet-001.png", "0001-right.png"))
    assert sheet.height > 3 * (single.height - 2 * MARGIN_PX)
    assert single.width == 2 * MARGIN_PX + 4 * (CELL_WIDTH_PX + TILE_GAP_PX) - TILE_GAP_PX  # the map has only three


def test_only_the_wrong_ones_and_fewer_candidates(village: Village, tmp_path: Path) -> None:
    flags = ("--only", "wrong", "--candidates", 1, "--rerank", "--queries", village.queries / "right.jpg")
    show("results", "--map", village.map_path, "--queries", village.queries, *flags, "--out", tmp_path)
    assert names_in(tmp_path) == ["0003-wrong.png", "sheet-001.png"]
    assert open_image(tmp_path / "0003-wrong.png").width == 2 * (MARGIN_PX + CELL_WIDTH_PX) + TILE_GAP_PX


def test_the_threshold_decides(village: Village, tmp_path: Path) -> None:
    arguments = ("--map", village.map_path, "--queries", village.queries / "right.jpg", "--out", tmp_path)
    show("results", *arguments, "--threshold-m", 5)  # it was taken 11 m away
    assert first_frame(tmp_path / "0001-right.png") == WRONG
    show("results", *arguments, "--threshold-m", 20000)
    assert first_frame(tmp_path / "0001-right.png") == RIGHT


def test_without_positions_there_is_no_score(village: Village, tmp_path: Path) -> None:
    queries = village.queries / "unknown.jpg"
    result = show("results", "--map", village.map_path, "--queries", queries, "--out", tmp_path)
    assert result.stdout.splitlines() == [
        "1 query of unknown position: nobody knows what is right",
        f"{tmp_path}: 1 answer on 1 contact sheet",
    ]


def test_a_csv_file_places_the_queries(village: Village, tmp_path: Path) -> None:
    with (village.queries / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "north", "lon"), ("unknown.jpg", 55.71, 13.2), ("gone.jpg", 55.71, 13.2)])
    flags = ("--latitude-column", "north", "--longitude-column", "lon")
    queries = village.queries / "list.csv"
    result = show("results", "--map", village.map_path, "--queries", queries, *flags, "--out", tmp_path)
    assert first_frame(tmp_path / "0001-unknown.png") == RIGHT
    assert "gone.jpg" in result.stderr
    assert names_in(tmp_path) == ["0001-unknown.png", "sheet-001.png"]


def test_a_damaged_query_is_left_out_and_said(village: Village, tmp_path: Path) -> None:
    folder = tmp_path / "queries"
    intact = write_photo(folder / "good.jpg", 2)
    (folder / "cut.jpg").write_bytes(intact.read_bytes()[:4000])
    (folder / "text.jpg").write_text("not a photo")
    result = show("results", "--map", village.map_path, "--queries", folder, "--out", tmp_path / "out")
    assert "cut.jpg" in result.stderr
    assert "text.jpg" in result.stderr
    assert len([name for name in names_in(tmp_path / "out") if name.endswith("-good.png")]) == 1


def test_heat_maps_of_a_folder_are_a_file_each_and_a_sheet(village: Village, tmp_path: Path) -> None:
    result = show("heatmap", village.photos, "--weights", village.weights, "--out", tmp_path / "heat")
    assert names_in(tmp_path / "heat") == ["0001-0.png", "0002-1.png", "0003-2.png", "sheet-001.png"]
    assert [Path(line).name for line in result.stdout.splitlines()] == names_in(tmp_path / "heat")
    sheet, single = (open_image(tmp_path / "heat" / name) for name in ("sheet-001.png", "0001-0.png"))
    assert sheet.width == 2 * single.width - 2 * MARGIN_PX + MARGIN_PX
    # The photo, as it is, on the left of its heat.
    photo = np.asarray(open_image(village.photos / "0.jpg").resize((480, 360)).convert("L")).astype(int)
    shown = np.asarray(single.convert("L").crop((MARGIN_PX, single.height - MARGIN_PX - 360, MARGIN_PX + 480, 10**4)))
    assert np.abs(photo - shown[:360]).mean() < 3


@pytest.mark.parametrize("kind", ["coarse", "dense"])
def test_one_heat_map_is_a_file(kind: str, village: Village, tmp_path: Path) -> None:
    picture = village.photos / "1.jpg"
    show("heatmap", picture, "--weights", village.weights, "--features", kind, "--out", tmp_path / "one.png")
    assert names_in(tmp_path) == ["one.png"]
    image = np.asarray(open_image(tmp_path / "one.png")).astype(int)
    heat = image[120:300, MARGIN_PX + 500 : MARGIN_PX + 960]
    spread_of_hues = heat[..., 0] - heat[..., 2]
    assert spread_of_hues.min() < -40  # cold: blue
    assert spread_of_hues.max() > 40  # hot: red


@pytest.mark.parametrize(("kind", "cells"), [("coarse", 8), ("dense", 29)])
def test_the_matches_are_counted_as_in_re_ranking(
    kind: LocalFeatures, cells: int, village: Village, tmp_path: Path
) -> None:
    query, candidate = village.photos / "1.jpg", village.photos / "2.jpg"
    flags = ("--weights", village.weights, "--features", kind, "--out", tmp_path / "m.png")
    result = show("matches", query, candidate, *flags)
    network = seeded_network(replace(TINY_CONFIG, local_features=kind), seed=7)
    with torch.no_grad():
        network.backbone.norm.weight.copy_(torch.linspace(0.1, 2, TINY_CONFIG.embed_dim))
    images = torch.stack([preprocess(open_image(path)) for path in (query, candidate)])
    features = Encoder(network).encode(images)
    assert features.local_grid == (cells, cells)
    [count] = count_mutual_matches(features.local_features[0], features.local_features[1:]).tolist()
    assert count > 1
    assert result.stdout.splitlines()[0] == f"dense.safetensors: {count} mutual matches"
    assert open_image(tmp_path / "m.png").width == 2 * MARGIN_PX + 2 * 640 + 32


def test_the_matches_of_the_starter_are_counted_as_in_re_ranking(village: Village, tmp_path: Path) -> None:
    query, candidate = village.photos / "1.jpg", village.photos / "2.jpg"
    result = show("matches", query, candidate, "--weights", "starter", "--out", tmp_path / "m.png")
    starter = load_starter()
    images = torch.stack([preprocess(open_image(path), starter.needs) for path in (query, candidate)])
    features = Encoder(starter).encode(images).local_features
    [count] = count_mutual_matches(features[0], features[1:], floor=starter.match_floor).tolist()
    assert count > 1
    assert result.stdout.splitlines()[0] == f"starter: {count} mutual matches"


def test_another_network_is_drawn_below_with_features_that_both_have(village: Village, tmp_path: Path) -> None:
    pictures = (village.photos / "1.jpg", village.queries / "right.jpg")
    alone = ("--weights", village.coarse_weights, "--out", tmp_path / "one.png")
    both = ("--weights", village.weights, "--against", village.coarse_weights, "--out", tmp_path / "two.png")
    show("matches", *pictures, *alone)
    result = show("matches", *pictures, *both)
    counts = re.findall(r"(dense|coarse)\.safetensors: (\d+) mutual match", result.stdout)
    assert counts[0] == ("dense", "64")  # the same picture: each coarse cell matches itself
    assert counts[1] == ("coarse", "64")
    one, two = open_image(tmp_path / "one.png"), open_image(tmp_path / "two.png")
    assert two.width == one.width
    assert two.height == 2 * one.height - MARGIN_PX


def test_bad_input_is_one_sentence_and_writes_nothing(village: Village, tmp_path: Path) -> None:
    picture, weights = village.photos / "0.jpg", ("--weights", village.weights)
    (tmp_path / "text.jpg").write_text("not a photo")
    untrained = tmp_path / "untrained.safetensors"
    save_network(seeded_network(TINY_CONFIG, seed=1), untrained)
    before = names_in(tmp_path)
    out = ("--out", tmp_path / "a.png")
    results = ("results", "--map", village.map_path)
    for arguments, message in (
        (("heatmap", tmp_path / "text.jpg", *weights, *out), "text.jpg"),
        (("heatmap", tmp_path / "gone.jpg", *weights, *out), "this file or folder does not exist"),
        (("heatmap", picture, *weights, "--out", tmp_path / "gone" / "a.png"), "there is no folder"),
        (("heatmap", *[picture] * 13, *weights, *out), "do not fit onto one sheet"),
        (("heatmap", picture, "--weights", untrained, *out), "no heat to show"),
        (("heatmap", picture, "--weights", "gone.pth", *out), "gone.pth"),
        (("heatmap", picture, "--weights", village.coarse_weights, "--features", "dense", *out), "no dense features"),
        (("matches", picture, picture, *weights, "--out", tmp_path / "a.jpg"), "must end in .png"),
        (("matches", picture, tmp_path / "text.jpg", *weights, *out), "text.jpg"),
        (("matches", picture, picture, *weights, "--against", "gone.pth", *out), "gone.pth"),
        ((*results, "--queries", tmp_path / "gone", "--out", tmp_path / "o"), "does not exist"),
        ((*results, "--queries", tmp_path / "text.jpg", "--out", tmp_path / "o"), "text.jpg"),
        ((*results, "--queries", picture, "--out", tmp_path / "text.jpg"), "this is a file"),
        ((*results, "--queries", picture, "--threshold-m", "inf", "--out", tmp_path / "o"), "threshold"),
        (("results", "--map", "gone", "--queries", picture, "--out", tmp_path / "o"), "gone"),
        ((*results, "--queries", picture, "--candidates", 5, "--shortlist", 2, "--out", tmp_path / "o"), "shortlist"),
    ):
        with pytest.raises(PlacefixError, match=re.escape(message)):
            show(*arguments)
        assert names_in(tmp_path) == before, arguments
