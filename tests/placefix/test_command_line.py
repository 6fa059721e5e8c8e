"""The command line as it is typed: names, help, errors and exit codes; some of it as a process."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.commands import RunCommand


def placefix(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a process."""
    command = [sys.executable, "-m", "placefix", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_help_names_every_command(command: RunCommand) -> None:
    result = command("--help")
    assert result.returncode == 0
    for name in ("build", "verify", "serve", "localize", "encode", "evaluate", "map", "show", "weights", "keys"):
        assert name in result.stdout


def test_a_start_imports_no_command_that_is_not_asked_for() -> None:
    """Start a process, because this one has imported every command."""
    program = """
import sys
from contextlib import suppress
from placefix.__main__ import main
with suppress(SystemExit):
    main()
print(sorted({"torch", "pyarrow", "fastapi"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", program, "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert result.stdout == f"placefix {version('placefix')}\n[]\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "nowhere"),
        ("map", "describe", "nowhere"),
        ("build", "--source", "nowhere", "--weights", "nothing.pth", "--out", "maps/a"),
        ("localize", "no.jpg", "--map", "nowhere"),
        ("encode", "no.jpg", "--weights", "nothing.pth", "--out", "f.npz"),
        ("weights", "describe", "nothing.pth"),
        ("weights", "import", "nothing.pth"),
        ("serve", "--map", "nowhere"),
        ("keys", "list", "--file", "nowhere.txt"),
        ("evaluate", "--map", "nowhere", "--queries", "photos"),
        ("show", "heatmap", "no.jpg", "--weights", "nothing.pth", "--out", "h.png"),
        ("show", "results", "--map", "nowhere", "--queries", "no.jpg", "--out", "results"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_one_sentence_and_exit_code_1(
    arguments: tuple[str, ...], command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = command(*arguments)
    assert result.returncode == 1, result.stderr
    assert "error: " in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_server_is_told_how_many_answers_may_be_wrong(command: RunCommand) -> None:
    result = command("serve", "--map", "nowhere", "--max-wrong", 1)
    assert result.returncode == 1
    assert "max_wrong: Input should be less than 1" in " ".join(result.stderr.split())


@pytest.mark.parametrize("arguments", [("build",), ("serve", "--no-such-flag"), ("fly",), ("encode", "a.jpg")])
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...], command: RunCommand) -> None:
    assert command(*arguments).returncode == 2


def test_a_process_ends_as_the_command_does(tmp_path: Path) -> None:
    result = placefix("verify", tmp_path / "nowhere")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


def test_what_pillow_remarks_of_a_picture_goes_nowhere() -> None:
    """Sizes that it warns of are refused anyway."""
    code = """
from contextlib import suppress
from model.picture_errors import ImageError
from model.images import open_image
from placefix.__main__ import main
from tests.service.pictures import png
with suppress(SystemExit):
    main()
with suppress(ImageError):
    open_image(png(10_000, 10_000))
"""
    command = [sys.executable, "-c", code, "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert result.stderr == ""
