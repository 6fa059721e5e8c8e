"""The starter's weights come from one file of one package, and from no other."""

import sys
from importlib import resources
from pathlib import Path

import pytest

from model.starter.package_weights import (
    FILE_BYTES,
    FILE_IN_PACKAGE,
    FILE_SHA256,
    INSTALL_COMMAND,
    PACKAGE,
    load_starter,
)
from model.weights_errors import WeightsError

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the weights in another package of the same name, which Python finds first; the file is
    missing.
    """
    folder = tmp_path / PACKAGE
    weights = folder / FILE_IN_PACKAGE
    weights.parent.mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    return weights


def test_a_copy_of_the_package_is_as_good(other_package: Path) -> None:
    """A copy at another place is accepted, so the other tests fail because of the file alone."""
    content = installed_weights()
    other_package.write_bytes(content)
    assert str(resources.files(PACKAGE)) == str(other_package.parents[1])
    assert load_starter().is_trained


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)  # Python does not find the module
    with pytest.raises(WeightsError, match=rf"no Python package {PACKAGE}; run: {INSTALL_COMMAND}$"):
        load_starter()


def test_a_package_without_the_file_is_to_be_installed_again(other_package: Path) -> None:
    with pytest.raises(WeightsError, match=rf"no file {other_package}; run: {INSTALL_COMMAND} --force-reinstall"):
        load_starter()


def test_a_file_of_another_size_is_refused(other_package: Path) -> None:
    other_package.write_bytes(b"\x80\x02 not the weights")
    with pytest.raises(
        WeightsError, match=rf"has 18 bytes, not {FILE_BYTES}; run: {INSTALL_COMMAND} --force-reinstall"
    ):
        load_starter()


def test_a_file_with_one_other_bit_is_refused(other_package: Path) -> None:
    content = bytearray(installed_weights())
    content[len(content) // 2] ^= 1
    other_package.write_bytes(content)
    with pytest.raises(
        WeightsError, match=rf"its SHA-256 is [0-9a-f]{{64}}, not {FILE_SHA256}; run: {INSTALL_COMMAND}"
    ):
        load_starter()


def test_the_command_installs_what_the_project_requires() -> None:
    requirement = INSTALL_COMMAND.removeprefix("pip install ")
    assert f'"{requirement}"' in (REPOSITORY / "pyproject.toml").read_text("utf-8")


def installed_weights() -> bytes:
    """Return the content of the installed file, independent of Python's path."""
    for folder in sys.path:
        file = Path(folder) / PACKAGE / FILE_IN_PACKAGE
        if file.is_file() and file.stat().st_size == FILE_BYTES:
            return file.read_bytes()
    raise AssertionError(f"{PACKAGE} is not installed")
