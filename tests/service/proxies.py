"""Proxies in front of a server, started with the examples of ``docker/proxies``: only addresses and keys are others."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import wait_until

EXAMPLES = Path(__file__).parents[2] / "docker" / "proxies"
NAME = "photos.example.org"


@dataclass(frozen=True)
class Proxy:
    """Hold a running proxy.

    Attributes:
        url: The address at which the service is published.
        trusted: The context that trusts its certificate.
    """

    url: str
    trusted: ssl.SSLContext


@dataclass(frozen=True)
class _Addresses:
    """Hold the addresses that replace those of the examples."""

    folder: Path
    service_port: int
    port: int

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    def put_into(self, text: str, *others: tuple[str, str]) -> str:
        for said, meant in (("127.0.0.1:8000", f"127.0.0.1:{self.service_port}"), *others):
            assert said in text, said
            text = text.replace(said, meant)
        return text


@contextmanager
def proxying(name: str, service_port: int, folder: Path) -> Iterator[Proxy]:
    """Start a proxy, until the block ends; skip the test if its program is not installed."""
    programs = {program: shutil.which(program) for program in (name, "openssl")}
    if missing := [program for program, path in programs.items() if path is None]:
        pytest.skip(f"{missing[0]} is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    addresses = _Addresses(folder, service_port, port)
    _make_certificate(addresses)
    command = [str(programs[name]), *_CONFIGURE[name](addresses)]
    environment = os.environ | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        try:
            wait_until(lambda: process.poll() is not None or _listens(port), (folder / "said.txt").read_text)
            assert process.poll() is None, (folder / "said.txt").read_text()
            yield Proxy(f"https://127.0.0.1:{port}/placefix", ssl.create_default_context(cafile=addresses.certificate))
        finally:
            process.terminate()
            process.wait()


def _make_certificate(addresses: _Addresses) -> None:
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-keyout", str(addresses.key), "-out", str(addresses.certificate), "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)


def _configure_nginx(addresses: _Addresses) -> list[str]:
    site = addresses.put_into(
        (EXAMPLES / "nginx.conf").read_text("utf-8"),
        ("listen 443 ssl", f"listen 127.0.0.1:{addresses.port} ssl"),
        (f"server_name {NAME}", "server_name 127.0.0.1"),
        (f"/etc/ssl/{NAME}.pem", str(addresses.certificate)),
        (f"/etc/ssl/{NAME}.key", str(addresses.key)),
    )
    (addresses.folder / "placefix.conf").write_text(site, "utf-8")
    paths = "".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""  # another one may not enter the folder of the test
    (addresses.folder / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 1; pid nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {paths} include placefix.conf; }}\n",
        "utf-8",
    )
    return ["-p", str(addresses.folder), "-c", "nginx.conf", "-e", "stderr"]


def _configure_caddy(addresses: _Addresses) -> list[str]:
    site = addresses.put_into(
        (EXAMPLES / "Caddyfile").read_text("utf-8"),
        (f"{NAME} {{", f"https://127.0.0.1:{addresses.port} {{\n\ttls {addresses.certificate} {addresses.key}"),
        ("{\n\tservers", "{\n\tadmin off\n\tauto_https disable_redirects\n\tgrace_period 1s\n\tservers"),
    )
    path = addresses.folder / "Caddyfile"
    path.write_text(site, "utf-8")
    return ["run", "--config", str(path), "--adapter", "caddyfile"]


_CONFIGURE: dict[str, Callable[[_Addresses], list[str]]] = {"nginx": _configure_nginx, "caddy": _configure_caddy}
PROXIES = tuple(_CONFIGURE)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
