"""A version that is removed between two looks, or a share that is away, gets its own error: never a 500."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from index_builder.changes.prune import prune_versions
from place_map import layout, versions
from place_map.activation import roll_back
from place_map.errors import MapCorrupt, VersionNotFound
from place_map.versions import list_versions, read_manifest
from service import map_swap
from tests.service.asking import check_problem, is_healthy
from tests.service.conftest import Serve, Served, Town
from tests.service.map_versions import add_some, copy_town, remove_one


@pytest.fixture
def grown(town: Town, tmp_path: Path) -> Town:
    """Make a town with three versions; the first is served."""
    town = copy_town(town, tmp_path)
    add_some(town, tmp_path / "more")
    remove_one(town)
    roll_back(town.map_path)
    roll_back(town.map_path)
    return town


@pytest.fixture
def served(grown: Town, serve: Serve) -> Served:
    return serve(grown, watch_interval_s=0)


def after_first_look(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, happens: Callable[[], object]) -> None:
    """Let something happen as soon as a function has looked at the disk once."""
    look = getattr(module, name)
    looks: list[Any] = []

    def look_and_let_happen(*arguments: Any) -> Any:
        found = look(*arguments)
        looks.append(found)
        if len(looks) == 1:
            happens()
        return found

    monkeypatch.setattr(module, name, look_and_let_happen)


def away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every look into a folder fail, as on a share whose server has gone."""
    iterate = Path.iterdir

    def fail(folder: Path) -> Iterator[Path]:
        if folder == path:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(folder))
        return iterate(folder)

    monkeypatch.setattr(Path, "iterdir", fail)


def remove(town: Town, version: str) -> None:
    prune_versions(town.map_path, versions=(version,))


def test_a_version_that_is_removed_while_they_are_listed_is_not_listed(
    grown: Town, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_first_look(monkeypatch, versions, "existing_versions", lambda: remove(grown, "000002"))
    response = served.client.get("/maps/town/versions")
    assert response.status_code == 200, response.text
    assert [each["version"] for each in response.json()["versions"]] == ["000001", "000003"]


@pytest.mark.parametrize(("module", "name"), [(versions, "existing_versions"), (map_swap, "read_pointer")])
def test_a_version_that_is_removed_while_it_is_activated_is_not_found(
    module: Any, name: str, grown: Town, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_first_look(monkeypatch, module, name, lambda: remove(grown, "000002"))
    response = served.client.post("/maps/town/activate", json={"version": "2"})
    check_problem(response, 404, "version_not_found")
    assert is_healthy(served)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/maps/town/versions", None), ("POST", "/maps/town/activate", {"version": "2"})],
)
def test_a_share_that_is_away_is_told_so(
    method: str, path: str, body: object, grown: Town, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(grown.map_path / layout.VERSIONS, monkeypatch)
    response = served.client.request(method, path, json=body)
    problem = check_problem(response, 503, "map_corrupt")
    assert response.headers["Retry-After"] == "1"
    assert str(grown.map_path) not in problem["detail"]
    monkeypatch.undo()
    assert served.client.request(method, path, json=body).status_code == 200


def test_a_manifest_that_goes_with_its_version_is_no_damage(grown: Town) -> None:
    with pytest.raises(VersionNotFound, match="no version 000009"):
        read_manifest(grown.map_path, "000009")
    (layout.version_dir(grown.map_path, "000002") / layout.POINTER).unlink()
    with pytest.raises(MapCorrupt):  # it is there, and a file of it is not
        list_versions(grown.map_path)
    shutil.rmtree(layout.version_dir(grown.map_path, "000002"))
    assert [each.manifest.version for each in list_versions(grown.map_path)] == ["000001", "000003"]


def test_a_current_version_that_has_gone_is_damage(grown: Town) -> None:
    (layout.version_dir(grown.map_path, "000001") / layout.MANIFEST).unlink()
    for look in (read_manifest, versions.hold_version):
        with pytest.raises(MapCorrupt):
            look(grown.map_path)


def test_a_file_that_cannot_be_opened_is_told_as_such(grown: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def fail(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).endswith((layout.MANIFEST, layout.LOCALS)):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return opened(path, *rest, **more)

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(MapCorrupt, match=r"manifest\.json cannot be read"):
        versions.hold_version(grown.map_path)
