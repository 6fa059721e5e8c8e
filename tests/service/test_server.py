"""Running the server in this process: what ends it with an error."""

import socket

import pytest

from model.errors import InvalidInput, MapNotFound
from service.server import run_server
from service.settings import ServiceSettings
from tests.service.conftest import Town


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
