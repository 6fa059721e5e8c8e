"""A wheel and an image hold all of Placefix, and nothing of it is looked for elsewhere."""

import email
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.packaging.conftest import Installed
from tests.packaging.context import ROOT, copied, let_in

PACKAGES = ("placefix", "service", "index_builder", "place_map", "model")

LARGEST_BYTES = 1_200_000


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_of_a_package_is_in_the_wheel(package: str, wheel: Path) -> None:
    found = {name for name in names_in(wheel) if name.startswith(f"{package}/")}
    ours = [path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert len(ours) > 10
    assert found == {path.relative_to(ROOT).as_posix() for path in ours}


def test_wheel_holds_the_page_the_published_results_and_marks_of_types(wheel: Path) -> None:
    data = {"service/web/page/index.html", "placefix/evaluation/published.toml"}
    assert data | {f"{package}/py.typed" for package in PACKAGES} <= names_in(wheel)


def test_wheel_is_small_and_holds_nothing_else(wheel: Path) -> None:
    """Neither the demo with its pictures, which lies beside the packages, nor tests."""
    own = {*PACKAGES, wheel.name.rpartition("-py3")[0] + ".dist-info"}
    assert {name.split("/")[0] for name in names_in(wheel)} == own
    assert wheel.stat().st_size < LARGEST_BYTES


def test_licence_is_in_the_wheel_and_its_name_in_the_metadata(wheel: Path) -> None:
    (folder,) = {name.split("/")[0] for name in names_in(wheel) if ".dist-info/" in name}
    with zipfile.ZipFile(wheel) as archive:
        metadata = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
        texts = {name: archive.read(f"{folder}/licenses/{name}").decode() for name in ("LICENSE", "NOTICE")}
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == list(texts)
    assert texts == {name: (ROOT / name).read_text("utf-8") for name in texts}


def test_image_is_built_from_all_packages() -> None:
    assert {source for source, _ in copied()} == set(let_in())
    for package in PACKAGES:
        assert (package, f"./{package}") in copied()
    find = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]
    assert {f"{package}*" for package in PACKAGES} == set(find["include"])


def test_packages_of_the_wheel_are_imported_and_no_demo(installed: Installed, tmp_path: Path) -> None:
    names = ", ".join(PACKAGES)
    program = f"import {names}; print(*(each.__file__ for each in ({names})), sep='\\n'); import demo"
    done = installed.run(tmp_path, installed.python, "-c", program)
    assert done.stdout.split() == [str(installed.packages / each / "__init__.py") for each in PACKAGES]
    assert "No module named 'demo'" in done.stderr


def test_published_results_are_installed_along(installed: Installed, tmp_path: Path) -> None:
    sides = ("--queries", "queries", "--database", "database", "--weights", "weights.pth")
    done = installed.run(tmp_path, installed.script, "evaluate", *sides, "--expect", "msls-vall")
    assert done.returncode == 1
    assert "is msls-val meant?" in done.stderr
