"""A wheel and an image hold all of Placefix, and nothing of it is looked for elsewhere."""

import email
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.packaging.context import ROOT, copied, let_in

PACKAGES = ("placefix", "service", "index_builder", "place_map", "model")


def run(folder: Path, installed: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the installed command line in a folder."""
    return subprocess.run(
        [sys.executable, str(installed / "bin" / "placefix"), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_of_a_package_is_in_the_wheel(package: str, wheel: Path) -> None:
    found = {name for name in names_in(wheel) if name.startswith(f"{package}/")}
    ours = [path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert len(ours) > 10
    assert found == {path.relative_to(ROOT).as_posix() for path in ours}


def test_wheel_holds_the_page_and_the_published_results(wheel: Path) -> None:
    assert {"service/web/page/index.html", "placefix/evaluation/published.toml"} <= names_in(wheel)


def test_licence_is_in_the_wheel_and_its_name_in_the_metadata(wheel: Path) -> None:
    (folder,) = {name.split("/")[0] for name in names_in(wheel) if ".dist-info/" in name}
    with zipfile.ZipFile(wheel) as archive:
        metadata = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
        text = archive.read(f"{folder}/licenses/LICENSE").decode()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert text == (ROOT / "LICENSE").read_text("utf-8")


def test_image_is_built_from_all_packages() -> None:
    assert {source for source, _ in copied()} == set(let_in())
    for package in PACKAGES:
        assert (package, f"./{package}") in copied()
    find = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]
    assert {f"{package}*" for package in PACKAGES} <= set(find["include"])


@pytest.mark.parametrize("arguments", [("--help",), ("evaluate", "--help")], ids=" ".join)
def test_installed_command_line_runs_anywhere(arguments: tuple[str, ...], installed: Path, tmp_path: Path) -> None:
    done = run(tmp_path, installed, *arguments)
    assert done.returncode == 0, done.stderr
    assert "Usage: placefix" in done.stdout


def test_published_results_are_installed_along(installed: Path, tmp_path: Path) -> None:
    sides = ("--queries", "queries", "--database", "database", "--weights", "weights.pth")
    done = run(tmp_path, installed, "evaluate", *sides, "--expect", "msls-vall")
    assert done.returncode == 1
    assert "is msls-val meant?" in done.stderr
