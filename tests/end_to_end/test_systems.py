"""A map of each family and of each re-ranker: built, verified, asked, calibrated, served, evaluated and drawn."""

import json
from pathlib import Path

import pytest

from model.geo import LatLon
from model.network import MUTUAL_MATCHES
from model.weights import save_network
from place_map.reader import PlaceMap
from service.settings import ServiceSettings
from tests.commands import RunCommand
from tests.conftest import MakePhoto, write_photo
from tests.end_to_end.conftest import Serve
from tests.model.descriptors.small_networks import SYSTEMS, SmallSystem, small_network, small_size
from tests.service.conftest import serving

_NO_GRID = "keypoints lie anywhere, and in no grid of cells"
POSITIONS = [LatLon(52 + number / 100, 13) for number in range(4)]


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make 110 photos whose positions are known: 44 are pictures of the map, the others have no right answer."""
    folder = tmp_path_factory.mktemp("questions")
    for number in range(110):
        write_photo(folder / f"{number}.jpg", number % 10, LatLon(52 + number % 10 / 100, 13 + number / 1e5))
    return folder


@pytest.mark.parametrize("system", SYSTEMS, ids=str)
def test_every_family_and_every_reranker_from_build_to_picture(
    system: SmallSystem, command: RunCommand, make_photo: MakePhoto, questions: Path, tmp_path: Path
) -> None:
    photos = make_photos(make_photo, tmp_path)
    place_map = build(command, system, tmp_path)
    succeed(command, "verify", place_map, "--weights", tmp_path / "network.safetensors")

    answer = json.loads(succeed(command, "localize", photos[1], "--map", place_map, "--json"))
    candidates = answer["candidates"]
    if system.family in ("r2former", "superglue"):  # a random network for pairs may put any candidate first
        candidates = [each for each in candidates if each["id"] == photos[1].name]
    assert candidates[0]["id"] == photos[1].name
    assert candidates[0]["global_distance"] == pytest.approx(0, abs=1e-3)

    calibrated = command("calibrate", place_map, "--queries", questions, "--own", 0)
    with PlaceMap.open(place_map) as opened:
        if system.changes:  # scores that depend on the other candidates
            assert "depends on the other candidates of the query" in " ".join(calibrated.stderr.split())
            assert opened.calibration is None
        else:
            assert calibrated.returncode == 0, calibrated.stderr
            assert opened.calibration is not None
            assert opened.calibration.questions.queries == 110
        reranker = opened.manifest.features.reranker if opened.manifest.features.local_dim else None

    params = {"evidence": "matches", "rerank": "never" if reranker is None else "always"}
    with serving(ServiceSettings(maps=(place_map,))) as served:
        served.wait_until_ready()
        [listed] = served.client.get("/maps").json()["maps"]
        assert (listed["family"], listed["reranker"]) == (system.family, reranker)
        told = served.client.get(f"/maps/{place_map.name}").json()
        served_answer = served.client.post("/localize", content=photos[1].read_bytes(), params=params).json()
        assert served_answer["without_evidence"] == told["without_matches"]
        assert (served_answer["matches"] is None) == (told["without_matches"] is not None)
        assert {each["id"] for each in served_answer["candidates"]} == {photo.name for photo in photos}
        for each in served_answer["candidates"]:
            assert (each["score"] is None) == (reranker is None)
            assert (each["mutual_matches"] is None) == (reranker != MUTUAL_MATCHES)
        heat = served.client.post("/localize", content=photos[1].read_bytes(), params={"evidence": "heat"}).json()
        assert (heat["heat"] is None) == (heat["without_evidence"] is not None)

    assert "R@1" in succeed(command, "evaluate", "--map", place_map, "--queries", tmp_path / "photos")
    out = tmp_path / "shown"
    succeed(command, "show", "results", "--map", place_map, "--queries", photos[1], "--out", out)
    assert {file.suffix for file in out.iterdir()} == {".png"}


@pytest.mark.parametrize("family", ["cosplace", "r2former"])
def test_a_heat_map_and_matches_are_drawn_for_other_systems(
    family: str, command: RunCommand, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photos = make_photos(make_photo, tmp_path)
    save_network(small_network(family), tmp_path / "network.safetensors")
    weights = ("--weights", tmp_path / "network.safetensors")
    succeed(command, "show", "heatmap", photos[1], *weights, "--out", tmp_path / "heat.png")
    drawn = succeed(command, "show", "matches", photos[1], photos[1], *weights, "--out", tmp_path / "matches.png")
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in ("heat.png", "matches.png"))
    assert int(drawn.split(": ")[1].split()[0]) > 0


def test_it_is_served_and_reranks_nothing(
    command: RunCommand, make_photo: MakePhoto, serve: Serve, tmp_path: Path
) -> None:
    photos = make_photos(make_photo, tmp_path)
    client = serve("--map", build(command, SmallSystem("salad"), tmp_path))
    assert [entry["name"] for entry in client.get("/maps").json()["maps"]] == ["small"]
    told = client.get("/maps/small").json()
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
    place_map, drawn = build(command, SmallSystem("superglue"), tmp_path), tmp_path / "matches.png"
    noted = command("localize", photo, "--map", place_map, "--matches", drawn)
    assert f"is not written: {_NO_GRID}" in " ".join(noted.stderr.split())
    assert (noted.returncode, drawn.exists()) == (0, False)
    client = serve("--map", place_map)
    told = client.get("/maps/small").json()
    assert (told["network"]["family"], told["reranker"]) == ("superglue", "superglue")
    assert told["weights_licence"] == "non-commercial research only"
    assert told["without_matches"] == _NO_GRID
    params = {"rerank": "always", "evidence": "matches"}
    answer = client.post("/localize", content=photo.read_bytes(), params=params).json()
    assert (answer["matches"], answer["without_evidence"]) == (None, told["without_matches"])
    assert all(each["score"] is not None for each in answer["candidates"])


def test_re_ranking_is_refused_where_there_is_nothing_to_compare(
    command: RunCommand, make_photo: MakePhoto, serve: Serve, tmp_path: Path
) -> None:
    """Over HTTP with the code of a wrong parameter, in the address and in the form; by commands with a sentence."""
    photo = make_photos(make_photo, tmp_path)[0]
    place_map, told = build(command, SmallSystem("salad"), tmp_path), "has no local features to compare"
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
    place_map = build_with(command, tmp_path / "weights" / "salad_patches.safetensors", (42, 56), tmp_path)
    answered = command("localize", photos[1], "--map", place_map, "--json", "--rerank", "always")
    assert answered.returncode == 0, answered.stderr
    best = json.loads(answered.stdout)["candidates"][0]
    assert best["id"] == photos[1].name
    assert best["mutual_matches"] == 3 * 4  # each patch is its own nearest, and above the floor


def make_photos(make_photo: MakePhoto, folder: Path) -> list[Path]:
    return [
        make_photo(folder / "photos" / f"{number}.jpg", number, position) for number, position in enumerate(POSITIONS)
    ]


def succeed(command: RunCommand, *arguments: object) -> str:
    """Run a command that must succeed, and return the text of its result."""
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(command: RunCommand, system: SmallSystem, folder: Path) -> Path:
    weights = folder / "network.safetensors"
    save_network(system.network(), weights)
    more = () if system.reranker is None else ("--reranker", system.reranker)
    return build_with(command, weights, small_size(system.family), folder, *more)


def build_with(command: RunCommand, weights: Path, size: tuple[int, int], folder: Path, *more: object) -> Path:
    place_map = folder / "maps" / "small"
    options = ("--weights", weights, "--out", place_map, "--input-size", "x".join(map(str, size)), "--no-calibrate")
    succeed(command, "build", "--source", folder / "photos", *options, *more)
    return place_map
