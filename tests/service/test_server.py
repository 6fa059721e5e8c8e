"""Running the server: the errors that end it, its warnings, and its answer to SIGHUP."""

import os
import signal
import socket
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from model.errors import InvalidInput
from place_map.errors import MapNotFound
from service.errors import InvalidKeys
from service.key_file import append_key
from service.keys import Scope, make_key
from service.server import run_server
from service.settings import ServiceSettings
from tests.child_processes import Program
from tests.service.conftest import Town
from tests.waiting import PATIENCE_S, wait_until


def test_an_address_that_is_taken_is_told_before_anything_is_loaded(town: Town) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"cannot listen on 127.0.0.1, port {port}: .*--port"):
            run_server(ServiceSettings(maps=(town.map_path,), port=port))


def test_an_address_of_another_machine_is_told(town: Town) -> None:
    with pytest.raises(InvalidInput, match=r"cannot listen on 192\.0\.2\.1"):
        run_server(ServiceSettings(maps=(town.map_path,), host="192.0.2.1", port=0))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_map_that_is_not_there_ends_the_server(host: str, town: Town) -> None:
    with pytest.raises(MapNotFound):
        run_server(ServiceSettings(maps=(town.map_path.parent / "nowhere",), host=host, port=0))


@pytest.mark.parametrize(("host", "is_open"), [("0.0.0.0", True), ("::", True), ("127.0.0.1", False), ("::1", False)])  # noqa: S104
def test_a_service_that_others_can_reach_without_a_key_says_so_loudly(host: str, is_open: bool, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    append_key(keys, "fleet", make_key("fleet", [Scope.READ])[1])
    nowhere = (tmp_path / "nowhere",)
    for settings, is_warned in (
        (ServiceSettings(maps=nowhere, host=host, port=0), is_open),
        (ServiceSettings(maps=nowhere, host="0.0.0.0", published_host=host, port=0), is_open),  # noqa: S104
        (ServiceSettings(maps=nowhere, host=host, port=0, keys=keys), False),
    ):
        with capture_logs() as log, pytest.raises(MapNotFound):
            run_server(settings)
        warnings = [line["event"] for line in log if line["log_level"] == "warning"]
        assert any(warning.startswith("THE SERVICE IS OPEN") for warning in warnings) == is_warned


def test_a_broken_file_of_keys_ends_the_server(town: Town, tmp_path: Path) -> None:
    with pytest.raises(InvalidKeys, match=r"nowhere\.txt"):
        run_server(ServiceSettings(maps=(town.map_path,), port=0, keys=tmp_path / "nowhere.txt"))


def test_sighup_has_the_keys_read_again_and_ends_nothing(town: Town, tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    first, first_line = make_key("one", [Scope.READ])
    second, second_line = make_key("two", [Scope.READ])
    append_key(path, "one", first_line)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ("serve", "--map", town.map_path, "--port", port, "--keys", path)
    with Program(*arguments, output=tmp_path / "log") as process:
        wait_for_status(port, first, 200)
        before = path.stat()
        path.write_text(f"{second_line}\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # with the same length it looks as before
        process.send_signal(signal.SIGHUP)
        wait_for_status(port, second, 200)
        wait_for_status(port, first, 401)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def wait_for_status(port: int, key: str, status: int) -> None:
    def is_status() -> bool:
        try:
            return client.get("/maps").status_code == status
        except httpx.TransportError:  # not listening yet
            return False

    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key}) as client:
        wait_until(is_status)
