"""From a folder of photos to positions over HTTP: the commands a newcomer types, as processes."""

import csv
import json
from pathlib import Path

import pytest

from model.geo import LatLon, distance_m
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from service.stages import Stage
from tests.commands import RunCommand
from tests.conftest import TINY_CELLS, MakePhoto
from tests.end_to_end.conftest import Serve, run_placefix
from tests.golden.recordings import write_checkpoint
from tests.service.asking import check_uncalibrated

BRIEF = {"candidates": 3, "shortlist": 5}  # for processors without kernels


def test_every_picture_of_a_map_is_found_at_its_own_place(
    make_photo: MakePhoto, tiny_network: SelaVPR, serve: Serve, tmp_path: Path
) -> None:
    save_network(tiny_network, tmp_path / "network.safetensors")
    positions = {f"street {n}/photo {n}.jpg": LatLon(-33.9 + n * 1e-3, 18.4 - n * 1e-3) for n in range(6)}
    for seed, (name, position) in enumerate(positions.items()):
        make_photo(tmp_path / "photos" / name, seed, position, orientation=1 + seed, heading_deg=60.0 * seed)
    maps = tmp_path / "maps" / "town"
    network = tmp_path / "network.safetensors"
    run_placefix(tmp_path / "log", "build", "--source", tmp_path / "photos", "--weights", network, "--out", maps)
    run_placefix(tmp_path / "log", "verify", maps)
    client = serve("--map", maps, "--rerank")
    for n, (name, position) in enumerate(positions.items()):
        photo = tmp_path / "photos" / name
        answer = client.post("/localize", files={"image": photo.read_bytes()}, params={"candidates": 3}).json()
        check_uncalibrated(answer)
        assert answer["map"] == {"name": "town", "version": "000001"}
        best = answer["candidates"][0]
        assert (best["rank"], best["id"]) == (1, name)
        assert best["heading_deg"] == pytest.approx(60.0 * n)
        assert best["mutual_matches"] >= 0.995 * TINY_CELLS
        assert distance_m(LatLon(**answer["position"]), position) < 0.5
        assert len(answer["candidates"]) == 3
        thumbnail = client.get(f"/maps/town/places/{name}/thumbnail")
        assert thumbnail.status_code == 200
        assert thumbnail.content.startswith(b"\xff\xd8")
    assert client.get("/maps").json()["maps"][0]["pictures"] == 6


def test_raw_bytes_a_form_and_the_command_line_give_one_answer(
    make_photo: MakePhoto, tiny_network: SelaVPR, serve: Serve, command: RunCommand, tmp_path: Path
) -> None:
    save_network(tiny_network, tmp_path / "network.safetensors")
    for seed in range(4):
        make_photo(tmp_path / "photos" / f"{seed}.jpg", seed, LatLon(10 + seed, 20))
    maps = tmp_path / "maps" / "town"
    network = tmp_path / "network.safetensors"
    run_placefix(tmp_path / "log", "build", "--source", tmp_path / "photos", "--weights", network, "--out", maps)
    query = make_photo(tmp_path / "query.jpg", seed=2, size=(200, 300))
    client = serve("--map", maps)
    parameters: dict[str, str | int] = {"candidates": 4, "rerank": "true"}
    by_form = client.post("/localize", files={"image": query.read_bytes()}, params=parameters).json()
    by_body = client.post("/localize", content=query.read_bytes(), params=parameters).json()
    by_command = json.loads(command("localize", query, "--map", maps, "--candidates", 4, "--rerank").stdout)
    for answer in (by_form, by_body, by_command):
        assert set(answer["timings_ms"]) == {*(stage.value for stage in Stage), "total"}
        del answer["timings_ms"], answer["request_id"]
    assert by_form == by_body == by_command
    unranked = client.post("/localize", content=query.read_bytes()).json()
    assert {candidate["mutual_matches"] for candidate in unranked["candidates"]} == {None}


@pytest.fixture
def lund(shared_dir: Path) -> Path:
    return shared_dir / "data" / "lund_berlin_gps"


def test_lund(lund: Path, serve: Serve, tmp_path: Path) -> None:
    """Real photographs: each of the map's pictures is found first, where its own EXIF says, by nearly all its cells."""
    checkpoint = write_checkpoint("tiny224", tmp_path)
    maps = tmp_path / "maps" / "lund"
    network = ("--weights", checkpoint, "--num-heads", 4)
    run_placefix(tmp_path / "log", "build", "--source", lund / "database", *network, "--out", maps)
    with (lund / "database.csv").open() as file:
        truth = {Path(row["path"]).name: LatLon(float(row["lat"]), float(row["lon"])) for row in csv.DictReader(file)}
    client = serve("--map", maps)
    assert len(truth) == 21
    for name, position in truth.items():
        photo = (lund / "database" / name).read_bytes()
        answer = client.post("/localize", files={"image": (name, photo, "image/jpeg")}, params=BRIEF).json()
        assert answer["candidates"][0]["id"] == name
        assert answer["candidates"][0]["mutual_matches"] >= 0.995 * 61 * 61
        assert distance_m(LatLon(**answer["position"]), position) < 0.1
    for query in sorted((lund / "queries").iterdir())[:4]:
        answer = client.post("/localize", content=query.read_bytes(), params=BRIEF).json()
        check_uncalibrated(answer)
        counts = [candidate["mutual_matches"] for candidate in answer["candidates"]]
        assert counts == sorted(counts, reverse=True)


def test_every_fixture_is_placed_right_or_left_out_with_its_reason(
    shared_dir: Path, tiny_network: SelaVPR, serve: Serve, tmp_path: Path
) -> None:
    save_network(tiny_network, tmp_path / "network.safetensors")
    fixtures = shared_dir / "data" / "exif_fixtures"
    maps = tmp_path / "maps" / "fixtures"
    arguments = ("--source", fixtures / "images", "--weights", tmp_path / "network.safetensors", "--out", maps)
    run_placefix(tmp_path / "log", "build", *arguments, exit_code=3)
    with (maps / "versions" / "000001" / "left_out.csv").open() as file:
        left_out = {row["path"]: row for row in csv.DictReader(file)}
    with (fixtures / "images.csv").open() as file:
        truth = {row["path"].removeprefix("images/"): row for row in csv.DictReader(file)}
    assert len(truth) == 56
    client = serve("--map", maps)
    placed = 0
    for name, row in truth.items():
        if name in left_out:
            if row["pillow_error"]:
                assert (left_out[name]["outcome"], left_out[name]["code"]) == ("rejected", "corrupt_image")
            elif row["size"] == "1x1":
                assert (left_out[name]["outcome"], left_out[name]["code"]) == ("rejected", "image_too_small")
            elif name.endswith("adobe_coords.jpg"):  # its XMP says where, and that it is a panorama
                assert (left_out[name]["outcome"], left_out[name]["code"]) == ("skipped", "panorama")
            else:
                expected_code = {"no": "no_position", "null_island": "null_island"}[row["gps"]]
                assert (left_out[name]["outcome"], left_out[name]["code"]) == ("skipped", expected_code)
            continue
        placed += 1
        answer = client.post("/localize", content=(fixtures / "images" / name).read_bytes()).json()
        # Some fixtures are one picture with different EXIF; then the first of them is as good an answer.
        same = [each for each in answer["candidates"] if each["id"] == name]
        assert same, name
        assert same[0]["global_distance"] < 1e-2
        if row["gps"] == "nan":  # seconds of 0/0 behind minutes with decimals
            assert same[0]["latitude"] == pytest.approx(48 + 53.32358 / 60)
            continue
        assert same[0]["latitude"] == pytest.approx(float(row["lat"]), abs=1e-5)
        assert same[0]["longitude"] == pytest.approx(float(row["lon"]), abs=1e-5)
    assert placed == sum(row["gps"] in ("yes", "nan") and row["size"] != "1x1" for row in truth.values())
    assert placed + len(left_out) == 56
