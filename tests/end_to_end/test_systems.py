"""A map of each family of other systems: built, verified, asked, and served."""

import json
from pathlib import Path

import pytest

from model.geo import LatLon
from model.weights import save_network
from place_map.reader import PlaceMap
from tests.commands import RunCommand
from tests.conftest import MakePhoto
from tests.end_to_end.conftest import Serve
from tests.model.descriptors.small_networks import SMALL, small_network, small_size

POSITIONS = [LatLon(52 + number / 100, 13) for number in range(4)]


@pytest.mark.parametrize("family", SMALL)
def test_a_map_of_every_family_is_built_and_asked(
    family: str, command: RunCommand, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photos = make_photos(make_photo, tmp_path)
    place_map = build(command, family, tmp_path)
    assert command("verify", place_map, "--weights", tmp_path / f"{family}.safetensors").returncode == 0
    answered = command("localize", photos[1], "--map", place_map, "--json")
    assert answered.returncode == 0, answered.stderr
    candidates = json.loads(answered.stdout)["candidates"]
    if family in ("r2former", "superglue"):  # a network for pairs has random weights, so any candidate may be the first
        assert all(0 <= each["score"] <= (1 if family == "r2former" else 24) for each in candidates)
        candidates = [each for each in candidates if each["id"] == photos[1].name]
    assert (candidates[0]["id"], candidates[0]["mutual_matches"]) == (photos[1].name, None)
    assert candidates[0]["global_distance"] == pytest.approx(0, abs=1e-3)
    evaluated = command("evaluate", "--map", place_map, "--queries", tmp_path / "photos")
    assert evaluated.returncode == 0, evaluated.stderr
    assert "R@1" in evaluated.stdout
    out = tmp_path / "shown"
    shown = command("show", "results", "--map", place_map, "--queries", photos[1], "--out", out)
    assert shown.returncode == 0, shown.stderr
    assert {file.suffix for file in out.iterdir()} == {".png"}


@pytest.mark.parametrize("family", ["cosplace", "transvpr", "r2former", "superglue"])
def test_a_map_is_calibrated_with_each_kind_of_score(
    family: str, command: RunCommand, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photos(make_photo, tmp_path)
    place_map, folder = build(command, family, tmp_path), tmp_path / "questions"
    for number in range(110):
        make_photo(folder / f"{number}.jpg", number % 10, LatLon(52 + number % 10 / 100, 13 + number / 1e5))
    done = command("calibrate", place_map, "--queries", folder, "--own", 0)
    assert done.returncode == 0, done.stderr
    with PlaceMap.open(place_map) as opened:
        assert opened.calibration is not None
        assert opened.calibration.questions.queries == 110


def test_it_is_served_and_reranks_nothing(
    command: RunCommand, make_photo: MakePhoto, serve: Serve, tmp_path: Path
) -> None:
    photos = make_photos(make_photo, tmp_path)
    client = serve("--map", build(command, "salad", tmp_path))
    assert [entry["name"] for entry in client.get("/maps").json()["maps"]] == ["salad"]
    told = client.get("/maps/salad").json()
    assert (told["network"]["family"], told["reranker"], told["weights_licence"]) == ("salad", None, None)
    assert told["without_matches"] == "the network of the family salad has no local features"
    for photo, rerank in zip(photos, ("auto", "never", "auto", "false"), strict=True):
        answer = client.post("/localize", content=photo.read_bytes(), params={"rerank": rerank}).json()
        best = answer["candidates"][0]
        assert (best["id"], best["mutual_matches"]) == (photo.name, None)


def test_keypoints_are_served_and_told_to_be_for_research_only(
    command: RunCommand, make_photo: MakePhoto, serve: Serve, tmp_path: Path
) -> None:
    photo = make_photos(make_photo, tmp_path)[1]
    client = serve("--map", build(command, "superglue", tmp_path))
    told = client.get("/maps/superglue").json()
    assert (told["network"]["family"], told["reranker"]) == ("superglue", "superglue")
    assert told["weights_licence"] == "non-commercial research only"
    assert told["without_matches"] == "keypoints lie anywhere, and in no grid of cells"
    params = {"rerank": "always", "evidence": "matches"}
    answer = client.post("/localize", content=photo.read_bytes(), params=params).json()
    assert answer["matches"] is None
    assert all(each["score"] is not None for each in answer["candidates"])


def test_re_ranking_is_refused_where_there_is_nothing_to_compare(
    command: RunCommand, make_photo: MakePhoto, serve: Serve, tmp_path: Path
) -> None:
    """Over HTTP with the code of a wrong parameter, in the address and in the form; by commands with a sentence."""
    photo = make_photos(make_photo, tmp_path)[0]
    place_map, told = build(command, "salad", tmp_path), "has no local features to compare"
    client = serve("--map", place_map)
    for rerank in ("always", "true"):
        refused = client.post("/localize", content=photo.read_bytes(), params={"rerank": rerank})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_parameter")
        assert told in refused.json()["detail"]
    form = client.post("/localize", files={"image": photo.read_bytes()}, data={"rerank": "always"})
    assert (form.status_code, form.json()["code"]) == (422, "invalid_parameter")
    for arguments in (("localize", photo, "--map", place_map), ("serve", "--map", place_map, "--port", "0")):
        refused_command = command(*arguments, "--rerank", "always")
        assert refused_command.returncode == 1
        assert told in " ".join((refused_command.stdout + refused_command.stderr).split())


def test_patches_rerank_where_they_are_turned_on(command: RunCommand, make_photo: MakePhoto, tmp_path: Path) -> None:
    photos = make_photos(make_photo, tmp_path)
    save_network(small_network("salad"), tmp_path / "plain.safetensors")
    turned_on = command(
        *("weights", "import", tmp_path / "plain.safetensors", "--local-features", "patches"),
        *("--name", "salad_patches", "--cache", tmp_path),
    )
    assert turned_on.returncode == 0, turned_on.stderr
    place_map = build_with(command, tmp_path / "weights" / "salad_patches.safetensors", "42x56", tmp_path)
    answered = command("localize", photos[1], "--map", place_map, "--json", "--rerank", "always")
    assert answered.returncode == 0, answered.stderr
    best = json.loads(answered.stdout)["candidates"][0]
    assert best["id"] == photos[1].name
    assert best["mutual_matches"] == 3 * 4  # each patch is its own nearest, and above the floor


def make_photos(make_photo: MakePhoto, folder: Path) -> list[Path]:
    return [
        make_photo(folder / "photos" / f"{number}.jpg", number, position) for number, position in enumerate(POSITIONS)
    ]


def build(command: RunCommand, family: str, folder: Path) -> Path:
    weights = folder / f"{family}.safetensors"
    save_network(small_network(family), weights)
    return build_with(command, weights, "x".join(map(str, small_size(family))), folder)


def build_with(command: RunCommand, weights: Path, size: str, folder: Path) -> Path:
    place_map = folder / "maps" / weights.stem
    options = ("--weights", weights, "--out", place_map, "--input-size", size, "--no-calibrate")
    built = command("build", "--source", folder / "photos", *options)
    assert built.returncode == 0, built.stderr
    return place_map
