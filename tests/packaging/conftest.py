"""A wheel, made once of the image's files, and installed into an environment that has nothing else."""

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.packaging.context import copy_context


@dataclass(frozen=True)
class Installed:
    """Hold an environment that the wheel is installed in.

    Attributes:
        python: Its interpreter.
        script: The command ``placefix``.
        packages: Where its packages lie.
    """

    python: Path
    script: Path
    packages: Path

    def run(self, folder: Path, *command: object) -> "subprocess.CompletedProcess[str]":
        """Run a command in a folder; nothing but the environment says where packages lie."""
        return subprocess.run(
            [str(each) for each in command],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def environment() -> dict[str, str]:
    """Return the variables of this process but those that lead Python to packages."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def pip(*arguments: str) -> None:
    """Run pip, which may ask nobody for anything."""
    command = [sys.executable, "-m", "pip", "--quiet", "--no-cache-dir", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PIP_NO_INDEX": "1"})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files from which the wheel is built."""
    folder = tmp_path_factory.mktemp("context")
    copy_context(folder)
    return folder


@pytest.fixture(scope="session")
def wheel(context: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(context))
    (built,) = folder.glob("placefix-*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel into an empty environment; its needs are read from the environment of the tests.

    Python does not follow the ``.pth`` files of a folder that a ``.pth`` file names, so that a checkout which is
    installed there for editing stays out.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    paths = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
    found = Installed(Path(paths["scripts"]) / "python", Path(paths["scripts"]) / "placefix", Path(paths["purelib"]))
    pip("--python", str(found.python), "install", "--no-deps", str(wheel))
    libraries = [each for each in sys.path if each.endswith("site-packages")]
    assert libraries
    (found.packages / "libraries.pth").write_text("".join(f"{each}\n" for each in libraries))
    return found
