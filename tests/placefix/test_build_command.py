import json
import signal
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from index_builder.errors import SourceError, TooManyRejected
from model.errors import DeviceUnavailable, InvalidInput
from model.geo import LatLon
from model.network_precision import has_native_bfloat16
from model.selavpr.selavpr import SelaVPR
from model.weights import save_network
from model.weights_errors import WeightsError
from place_map.errors import MapExists
from place_map.reader import PlaceMap
from placefix.command_line import app
from placefix.exit_codes import ExitCode
from tests.child_processes import Program
from tests.conftest import write_photo
from tests.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def weights(tmp_path: Path, tiny_network: SelaVPR) -> Path:
    save_network(tiny_network, tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(6):
        write_photo(tmp_path / "photos" / f"{number}.jpg", number, LatLon(55.7 + number / 1000, 13.2))
    return tmp_path / "photos"


def arguments(photos: Path, weights: Path, *more: object) -> list[str]:
    out = photos.parent / "maps" / "town"
    return ["build", "--source", str(photos), "--weights", str(weights), "--out", str(out), *map(str, more)]


def build(photos: Path, weights: Path, *more: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments(photos, weights, *more), env={"COLUMNS": "200"})
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result.output


def error_of(photos: Path, weights: Path, *more: object) -> BaseException | None:
    return CliRunner().invoke(app, arguments(photos, weights, *more)).exception


def test_a_folder_of_photos_becomes_a_map(photos: Path, weights: Path) -> None:
    for name in ("[b] nowhere.jpg", "nowhere else.jpg"):
        write_photo(photos / name, 9)
    output = build(photos, weights)
    map_path = photos.parent / "maps" / "town"
    example = "[b] nowhere.jpg: its EXIF block has no GPS position; 1 more like it"
    for said in ("6 pictures", "2 without a usable position", example, "left_out.csv", "pictures/s", "untrained"):
        assert said in output
    assert f"placefix serve --map {map_path}" in output
    with PlaceMap.open(map_path) as place_map:
        assert len(place_map) == 6
        assert place_map.manifest.network.weights_path == str(weights)
        assert [source.path for source in place_map.manifest.sources] == [str(photos)]


def test_without_a_name_the_map_is_called_after_its_folder_and_can_be_brought_up_to_date(
    photos: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    command = ["build", "--source", str(photos), "--weights", str(weights), "--match-floor", "0.25", "--update"]
    for version, count in (("000001", 6), ("000002", 7)):
        result = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
        assert result.exit_code == 0, (result.output, result.exception)
        assert "placefix serve" not in result.output  # the server follows the map
        with PlaceMap.open(photos.parent / "maps" / "photos") as place_map:
            assert (place_map.version, len(place_map)) == (version, count)
            assert place_map.manifest.features.match_floor == 0.25
        write_photo(photos / "6.jpg", 6, LatLon(55.706, 13.2))


def test_a_map_of_another_input_size_or_floor_is_another_map(photos: Path, weights: Path) -> None:
    build(photos, weights, "--input-size", "84")
    assert "nothing to do" in build(photos, weights, "--input-size", "84x84")
    assert isinstance(error_of(photos, weights), MapExists)
    assert isinstance(error_of(photos, weights, "--input-size", "84", "--match-floor", "0.5"), MapExists)


def test_a_rejected_picture_is_told_by_the_exit_code(photos: Path, weights: Path) -> None:
    (photos / "0.jpg").write_bytes((photos / "0.jpg").read_bytes()[:3000])
    assert "1 that cannot be read" in build(photos, weights, "--max-rejected", "0.2", exit_code=3)
    assert "nothing to do" in build(photos, weights, "--max-rejected", "0.2")
    write_photo(photos / "more.jpg", 9, LatLon(55, 13))
    assert isinstance(error_of(photos, weights, "--max-rejected", "0.2"), MapExists)


def test_a_rejected_picture_that_was_repaired_is_something_to_do(photos: Path, weights: Path) -> None:
    content = (photos / "0.jpg").read_bytes()
    (photos / "0.jpg").write_bytes(content[:3000])
    build(photos, weights, "--max-rejected", "0.2", exit_code=3)
    (photos / "0.jpg").write_bytes(content)
    refused = error_of(photos, weights, "--max-rejected", "0.2")
    assert isinstance(refused, MapExists)
    assert "placefix update" in refused.message


def test_too_many_rejected_pictures_are_an_error(photos: Path, weights: Path) -> None:
    (photos / "0.jpg").write_bytes((photos / "0.jpg").read_bytes()[:3000])
    assert isinstance(error_of(photos, weights), TooManyRejected)
    assert not (photos.parent / "maps" / "town").exists()


def test_everything_is_checked_before_the_first_picture(photos: Path, weights: Path, tmp_path: Path) -> None:
    import torch

    assert isinstance(error_of(tmp_path / "nothing", weights), SourceError)
    assert isinstance(error_of(photos, tmp_path / "no weights"), WeightsError)
    assert isinstance(error_of(photos, weights, "--index", "nonsense"), InvalidInput)
    if not torch.cuda.is_available():
        assert isinstance(error_of(photos, weights, "--device", "cuda"), DeviceUnavailable)
    assert CliRunner().invoke(app, arguments(photos, weights, "--max-rejected", "2")).exit_code == 2
    assert not (photos.parent / "maps").exists()


def test_a_csv_file_with_columns_of_its_own(photos: Path, weights: Path) -> None:
    table = photos.parent / "list.csv"
    table.write_text("path,north_deg,east_deg\nphotos/1.jpg,10,20\nphotos/2.jpg,11,21\n")
    build(table, weights, "--latitude-column", "north_deg", "--longitude-column", "east_deg")
    with PlaceMap.open(photos.parent / "maps" / "town") as place_map:
        assert [place_map.places[row].position for row in range(2)] == [LatLon(10, 20), LatLon(11, 21)]


def test_options_reach_the_map(photos: Path, weights: Path) -> None:
    more = ("--index", "HNSW8", "--no-thumbnails", "--segment-size", 4, "--batch-size", 3)
    build(photos, weights, *more, "--preprocess", "official-eval")
    with PlaceMap.open(photos.parent / "maps" / "town") as place_map:
        manifest = place_map.manifest
        assert manifest.index.factory == "HNSW8"
        assert manifest.preprocessing == "official-eval"
        assert [segment.rows for segment in manifest.segments] == [4, 2]
        assert place_map.thumbnail(0) is None


def test_the_index_that_auto_picks_is_told_and_kept(photos: Path, weights: Path) -> None:
    output = build(photos, weights, "--index", "auto")
    assert "index: Flat (auto: 6 pictures of width" in output
    with PlaceMap.open(photos.parent / "maps" / "town") as place_map:
        assert place_map.manifest.index.factory == "Flat"


def test_ctrl_c_says_how_to_continue(tmp_path: Path, weights: Path) -> None:
    photos = tmp_path / "many"
    for number in range(8):
        write_photo(photos / f"{number}.jpg", number, LatLon(1, 2))
    lines = [f"many/{number % 8}.jpg,{number / 400},2,{number}" for number in range(12_000)]
    table = tmp_path / "many.csv"
    table.write_text("path,latitude,longitude,id\n" + "\n".join(lines) + "\n")
    checkpoints, printed = tmp_path / "maps" / ".town.building" / "checkpoints", tmp_path / "printed"
    with Program(*arguments(table, weights, "--segment-size", 32), output=printed) as process:
        wait_until(lambda: process.poll() is not None or (checkpoints.is_dir() and any(checkpoints.iterdir())))
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == ExitCode.INTERRUPTED
    errors = printed.read_text()
    assert "The same command continues" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "maps" / "town").exists()


def test_verify_tells_by_its_exit_code_and_as_json(photos: Path, weights: Path) -> None:
    build(photos, weights)
    map_path = photos.parent / "maps" / "town"
    good = CliRunner().invoke(app, ["verify", str(map_path), "--weights", str(weights), "--json"])
    assert good.exit_code == 0
    report = json.loads(good.stdout)
    assert (report["good"], report["problems"], report["pictures"], report["reencoded"]) == (True, [], 6, 6)

    locals_path = map_path / "segments/000001/locals.npy"
    content = bytearray(locals_path.read_bytes())
    content[-1] ^= 1
    locals_path.write_bytes(content)
    bad = CliRunner().invoke(app, ["verify", str(map_path)], env={"COLUMNS": "200"})
    assert bad.exit_code == 1
    assert "segments/000001/locals.npy" in bad.stdout
    assert "damaged" in bad.stdout
    assert json.loads(CliRunner().invoke(app, ["verify", str(map_path), "--json"]).stdout)["problems"] == [
        {
            "path": "segments/000001/locals.npy",
            "kind": "checksum",
            "message": "its SHA-256 is another: its bytes have changed",
        }
    ]


def test_a_sample_of_none_is_no_search(photos: Path, weights: Path) -> None:
    build(photos, weights)
    report = CliRunner().invoke(app, ["verify", str(photos.parent / "maps" / "town"), "--sample", "0", "--json"])
    assert json.loads(report.stdout)["sampled"] == 0


@pytest.mark.parametrize("encoding", ["auto", "float32", "int8"])
def test_the_map_records_in_what_it_was_encoded_and_the_command_says_why(
    photos: Path, weights: Path, encoding: str
) -> None:
    output = build(photos, weights, "--network-precision", encoding, "--device", "cpu")
    native = "bfloat16" if has_native_bfloat16(torch.device("cpu")) else "float32"
    expected = native if encoding == "auto" else encoding
    assert f"encoding: {expected} ({'auto' if encoding == 'auto' else f'{encoding} was asked for'}" in output
    with PlaceMap.open(photos.parent / "maps" / "town") as place_map:
        assert place_map.manifest.network.precision == expected


@pytest.mark.parametrize("encoding", ["bfloat16", "int8"])
def test_a_precision_that_the_processor_lacks_is_refused(
    photos: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert isinstance(error_of(photos, weights, "--network-precision", encoding, "--device", "cpu"), DeviceUnavailable)


def test_the_re_ranker_of_a_map_is_kept_and_an_unknown_one_is_refused_before_anything_is_read(
    photos: Path, weights: Path
) -> None:
    build(photos, weights, "--reranker", "mutual-matches")
    with PlaceMap.open(photos.parent / "maps" / "town") as place_map:
        assert place_map.manifest.features.reranker == "mutual-matches"
    error = error_of(photos, weights.with_name("missing.safetensors"), "--reranker", "luck")
    assert isinstance(error, InvalidInput)
    assert "'luck' is not a re-ranker" in str(error)
