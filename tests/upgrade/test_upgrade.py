"""A map, settings and keys of an earlier state are read, served and changed."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from model.geo import LatLon
from place_map.reader import PlaceMap
from place_map.versions import existing_versions
from service.settings import load_settings
from service.settings_file import settings_from
from tests.commands import RunCommand
from tests.conftest import write_photo
from tests.service.conftest import serving

STATE = Path(__file__).parent / "state"

Placefix = Callable[..., str]
Change = Callable[..., tuple[int, int, int]]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy to change; the network is found from its folder."""
    folder = Path(shutil.copytree(STATE, tmp_path / "state"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def town(state: Path) -> Path:
    return state / "maps" / "town"


@pytest.fixture
def client(state: Path) -> Iterator[httpx.Client]:
    """Ask a server that has only the file of settings, with the key of the page."""
    settings = load_settings({}, settings_from(state / "settings.toml"))
    with serving(settings) as served:
        served.wait_until_ready()
        served.client.headers["X-API-Key"] = key_of(state, "page")
        yield served.client


def key_of(state: Path, name: str) -> str:
    return (state / f"key_{name}.txt").read_text().strip()


@pytest.fixture
def placefix(command: RunCommand) -> Placefix:
    """Run a command that must succeed, and return its output."""

    def run(*arguments: object) -> str:
        finished = command(*arguments)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    return run


@pytest.fixture
def change(placefix: Placefix) -> Change:
    """Run a command that makes a version; return the numbers of pictures that it added, removed and replaced."""

    def run(*arguments: object) -> tuple[int, int, int]:
        told = json.loads(placefix(*arguments, "--json"))["change"]
        return told["added"], told["removed"], told["replaced"]

    return run


def ids(town: Path) -> list[str]:
    with PlaceMap.open(town) as place_map:
        return sorted(place_map.places.ids)


def test_every_version_is_whole(placefix: Placefix, town: Path) -> None:
    assert "good" in placefix("verify", town, "--weights", "network.safetensors")
    versions = json.loads(placefix("map", "versions", town, "--json"))
    assert [version["change"]["kind"] for version in versions] == ["build", "add", "remove"]
    assert ids(town) == ["0.jpg", "2.jpg", "3.jpg", "4.jpg"]
    left_out = (town / "versions" / "000003" / "left_out.csv").read_text()
    assert "half.jpg,rejected,corrupt_image" in left_out
    assert "no position.jpg,skipped,no_position" in left_out


def test_it_is_served_by_the_settings_to_who_has_a_key(client: httpx.Client, state: Path) -> None:
    described = client.get("/maps/town").json()
    assert described["query_encoding"] == "float32"  # `encoding` of the settings
    assert described["matcher"] == "torch-float32"  # `precision`
    for picture in ("town/0.jpg", "town/3.jpg", "later/4.jpg"):
        answer = client.post("/localize", content=(state / "photos" / picture).read_bytes()).json()
        found = [(each["id"], each["mutual_matches"] is not None) for each in answer["candidates"]]
        assert len(found) == 2  # `candidates`
        assert found[0] == (Path(picture).name, True)  # `rerank`
    thumbnail = client.get("/maps/town/places/3.jpg/thumbnail")
    assert thumbnail.headers["content-type"] == "image/jpeg"
    assert client.get("/maps", headers={"X-API-Key": "placefix_unknown"}).status_code == 401


def test_the_versions_of_a_served_map_are_listed_and_activated(client: httpx.Client, state: Path) -> None:
    versions = client.get("/maps/town/versions").json()["versions"]
    assert [(each["version"], each["pictures"]) for each in versions] == [("000001", 4), ("000002", 5), ("000003", 4)]
    request = {"json": {"version": "000001"}, "headers": {"X-API-Key": key_of(state, "page")}}
    assert client.post("/maps/town/activate", **request).status_code == 403  # type: ignore[arg-type]
    request["headers"] = {"X-API-Key": key_of(state, "operator")}
    assert client.post("/maps/town/activate", **request).status_code == 200  # type: ignore[arg-type]
    answer = client.post("/localize", content=(state / "photos" / "town" / "1.jpg").read_bytes()).json()
    assert (answer["map"]["version"], answer["candidates"][0]["id"]) == ("000001", "1.jpg")


def test_it_is_added_to_updated_compacted_and_pruned(
    placefix: Placefix, change: Change, town: Path, state: Path
) -> None:
    network = ("--weights", "network.safetensors")  # the manifest names it where it was at the time, and so the sources
    write_photo(state / "photos" / "latest" / "5.jpg", 50, size=(64, 48))
    (state / "photos" / "latest" / "photos.csv").write_text("path,latitude,longitude\n5.jpg,55.8,13.2\n")
    assert change("compact", town) == (0, 0, 0)
    assert existing_versions(town)[-1] == "000004"
    assert change("add", town, "--source", state / "photos" / "latest" / "photos.csv", *network) == (1, 0, 0)
    write_photo(state / "photos" / "town" / "half.jpg", 60, LatLon(55.9, 13.2), size=(64, 48))  # it was cut off
    write_photo(state / "photos" / "town" / "2.jpg", 20, LatLon(55.9, 13.3), size=(64, 48))
    collection = ("--source", state / "photos" / "town", "--source-number", 0)
    assert change("update", town, *collection, *network) == (2, 0, 1)  # 1.jpg is in the folder still
    assert change("remove", town, "--id", "0.jpg") == (0, 1, 0)
    assert ids(town) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "half.jpg"]
    placefix("map", "activate", town, "2")
    assert ids(town) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    placefix("map", "prune", town, "--keep", "1")
    assert existing_versions(town) == ["000002", "000007"]
    assert "good" in placefix("verify", town)


def test_keys_are_made_and_revoked_beside_the_old_ones(placefix: Placefix, state: Path) -> None:
    keys = state / "keys.txt"
    placefix("keys", "create", "--file", keys, "--name", "new", "--scope", "metrics")
    placefix("keys", "revoke", "--file", keys, "--name", "operator")
    listed = placefix("keys", "list", "--file", keys)
    assert [name in listed for name in ("page", "operator", "new")] == [True, False, True]
    assert keys.read_text().startswith((STATE / "keys.txt").read_text().splitlines()[0])
