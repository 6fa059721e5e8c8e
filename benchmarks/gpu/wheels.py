"""``python -m benchmarks gpu-wheels``: what a machine without a network needs for the run, as wheels in one folder.

The machine has torch with all that belongs to it, Triton, numpy and pillow. Nothing of these is carried, and so nothing
of these is replaced. What it has beside them is named, since a large wheel that is there already need not be carried.
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
"""Distributions that the machine of the run has already, each with all that it needs."""

OPTIONAL = ("llvmlite", "faiss-cpu")
"""The largest; left out in this order until the rest fits. Without faiss no map is built, and without llvmlite a CPU
counts with torch."""

TESTING = ("pytest", "hypothesis", "packaging")
"""Distributions that the tests and this file need beside the project's own requirements."""

_BUILD = "setuptools>=80"  # as in pyproject.toml; what is installed beside torch may be older

_GLIBC_MINORS = (39, 35, 34, 31, 28, 27, 24, 17, 12, 5)
_PLATFORMS = (*(f"manylinux_2_{minor}_x86_64" for minor in _GLIBC_MINORS), "manylinux2014_x86_64", "manylinux1_x86_64")
_PRESENT_HELP = "A package that the machine has, of a version that will do; repeat it for several."


def gpu_wheels(
    out: Annotated[Path, typer.Option(help="The folder; what is in it is removed.")] = Path(".wheels"),
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
    """Return the packages that some need, themselves included, in the versions that are installed here.

    Extras of what is needed are left out: uvicorn runs without those of its own that the project names.

    Args:
        names: Of packages.
        python: For which version of Python.
        without: Left out, with what only they need.

    Raises:
        InvalidInput: One of them is not installed here.
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
        raise InvalidInput(f"pip could not collect all wheels for Python {python}; what it says stands above")


def _fit(out: Path, limit_bytes: int) -> list[str]:
    """Remove what is optional until the rest fits.

    Raises:
        InvalidInput: It does not fit without them either.
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
        f"--present what the machine has; the largest are {', '.join(wheel.name for wheel in largest)}"
    )
