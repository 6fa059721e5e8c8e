"""``python -m constraints.lock``, or ``make constraints``: write the constraints anew.

``cpu.txt`` and ``gpu.txt`` hold the needs of Placefix with either faiss. ``heif.txt``, ``cluster.txt`` and ``dev.txt``
hold the further needs of HEIC, Ray and the tests. ``s3_server.txt`` holds an S3 server for ``make cluster``; it is
resolved alone, because it needs older versions than Placefix. Every distribution is in the newest version that
pyproject.toml allows, the same on all Pythons and platforms, with the hashes of its files. ``torch.txt`` holds torch
without hashes: several builds of one version exist, and pip's configuration says which is taken. Libraries that only
one build of torch needs, such as NVIDIA's, come with it.

The files say which versions, not where they come from: no address of an index is in them.
"""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

FOLDER = Path(__file__).parent
PYPROJECT = FOLDER.parent / "pyproject.toml"


@dataclass(frozen=True)
class Platform:
    """Name a platform that Placefix runs on, in the words of markers, of uv and of wheels."""

    sys_platform: str
    platform_system: str
    platform_machine: str
    uv_name: str

    @property
    def marker(self) -> str:
        return f"sys_platform == '{self.sys_platform}' and platform_machine == '{self.platform_machine}'"


LINUX = Platform("linux", "Linux", "x86_64", "x86_64-manylinux_2_28")
LINUX_ON_ARM = Platform("linux", "Linux", "aarch64", "aarch64-manylinux_2_28")
MACOS = Platform("darwin", "Darwin", "arm64", "aarch64-apple-darwin")
PLATFORMS = {
    "cpu": (LINUX, LINUX_ON_ARM, MACOS),
    "gpu": (LINUX,),
    "heif": (LINUX, LINUX_ON_ARM, MACOS),
    "cluster": (LINUX, LINUX_ON_ARM, MACOS),
    "s3_server": (LINUX, LINUX_ON_ARM, MACOS),
}
"""Where the wheels are for each file that is installed from."""

_S3_SERVER = """\
[project]
name = "s3-server"
version = "0"
requires-python = ">=3.11"
dependencies = ["moto[server]>=5.2.5"]
"""
_MACOS_OF_TORCH = "14.0"  # the oldest that its wheels are for
_ONE_BUILD_ALONE = re.compile(r"(nvidia|cuda|triton)\b")
_HEADER = """\
# Written by `make constraints`. This installs it, with its hashes checked, and then torch:
#   pip install --no-deps --require-hashes {options}
#   pip install --requirement constraints/torch.txt
"""
_HEADERS = {
    "cpu": _HEADER.format(options="--requirement constraints/cpu.txt"),
    "gpu": _HEADER.format(options="--requirement constraints/gpu.txt"),
    "heif": _HEADER.format(options="--requirement constraints/cpu.txt --requirement constraints/heif.txt"),
    "cluster": _HEADER.format(options="--requirement constraints/cpu.txt --requirement constraints/cluster.txt"),
    "s3_server": """\
# Written by `make constraints`. This installs it, with its hashes checked, into an environment of its own:
#   pip install --no-deps --require-hashes --requirement constraints/s3_server.txt
""",
    "dev": _HEADER.format(options="--requirement constraints/cpu.txt --requirement constraints/dev.txt"),
}


def main() -> None:
    """Resolve, write the seven files, and check that the wheels are there."""
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    pythons = supported_pythons(project["requires-python"])
    (torch,) = (each for each in project["dependencies"] if Requirement(each).name == "torch")
    everything = _resolve(("cpu", "dev"), PLATFORMS["cpu"], torch, pythons)
    cpu = _resolve(("cpu",), PLATFORMS["cpu"], torch, pythons, everything)
    gpu = _resolve(("gpu",), PLATFORMS["gpu"], torch, pythons, everything)
    beside = {
        extra: _resolve(("cpu", extra), PLATFORMS[extra], torch, pythons, everything) for extra in ("heif", "cluster")
    }
    files = {"cpu": cpu, "gpu": gpu}
    for name, blocks in (beside | {"dev": everything}).items():
        files[name] = {each: block for each, block in blocks.items() if each not in cpu}
    files["s3_server"] = _resolve((), PLATFORMS["s3_server"], torch, pythons, project=_S3_SERVER)
    for name, blocks in files.items():
        (FOLDER / f"{name}.txt").write_text(_HEADERS[name] + "".join(blocks.values()))
    (FOLDER / "torch.txt").write_text(f"{torch}\n")
    for name, platforms in PLATFORMS.items():
        for platform in platforms:
            for python in pythons:
                _check_wheels(name, platform, python)


def supported_pythons(specifier: str) -> list[str]:
    """Return the minor versions of Python 3 that ``requires-python`` lets in, as ``3.11``."""
    versions = SpecifierSet(specifier)
    return [f"3.{minor}" for minor in range(100) if f"3.{minor}" in versions]


def blocks_of(text: str, platforms: Iterable[Platform], pythons: Sequence[str]) -> dict[str, str]:
    """Split the output of uv into distributions, each with its version, its hashes and a marker if it needs one.

    Args:
        text: Lines of requirements with hashes.
        platforms: Where they are installed.
        pythons: By which Pythons.

    Returns:
        Lines by name. A marker that is true on all platforms and Pythons is left out.
    """
    found: dict[str, str] = {}
    for block in re.findall(r"^(?! |#).+(?:\n +.+)*\n", text, flags=re.MULTILINE):
        requirement = Requirement(block.partition("\\")[0].strip())
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}", block)
        if not hashes or requirement.name in found:
            raise SystemExit(f"uv gives no hashes, or two versions, for {requirement.name}:\n{block}")
        marker = requirement.marker
        if marker is not None and _is_true_everywhere(marker, platforms, pythons):
            requirement.marker = None
        found[requirement.name] = " \\\n    ".join((str(requirement).replace("; ", " ; "), *hashes)) + "\n"
    return found


def _is_true_everywhere(marker: Marker, platforms: Iterable[Platform], pythons: Sequence[str]) -> bool:
    return all(
        marker.evaluate(
            {
                "python_version": python,
                "python_full_version": f"{python}.0",
                "sys_platform": platform.sys_platform,
                "platform_system": platform.platform_system,
                "platform_machine": platform.platform_machine,
                "platform_python_implementation": "CPython",
                "implementation_name": "cpython",
                "os_name": "posix",
            }
        )
        for platform in platforms
        for python in pythons
    )


def _resolve(
    extras: Sequence[str],
    platforms: Sequence[Platform],
    torch: str,
    pythons: Sequence[str],
    constraints: dict[str, str] | None = None,
    project: str | None = None,
) -> dict[str, str]:
    """Resolve a project, by default ours, with some extras, without torch, but with the needs of all its builds."""
    last_minor = int(pythons[-1].partition(".")[2])
    environments = [f"python_version < '3.{last_minor + 1}' and {platform.marker}" for platform in platforms]
    needs = [each for each in requires("torch") or [] if "extra ==" not in each and not _ONE_BUILD_ALONE.match(each)]
    with TemporaryDirectory() as folder:
        settings = (
            f"\n[tool.uv]\nenvironments = {environments}\n[[tool.uv.dependency-metadata]]\nname = 'torch'\n"
            f"version = '{next(iter(Requirement(torch).specifier)).version}'\nrequires-dist = {needs}\n"
        )
        (Path(folder) / "pyproject.toml").write_text((project or PYPROJECT.read_text("utf-8")) + settings)
        (Path(folder) / "constraints.txt").write_text("".join((constraints or {}).values()))
        printed = _uv(
            *("pyproject.toml", "--universal", "--python-version", pythons[0], "--fork-strategy", "fewest"),
            *("--generate-hashes", "--no-header", "--no-annotate", "--no-emit-package", "torch"),
            *(option for extra in extras for option in ("--extra", extra)),
            *("--constraints", "constraints.txt"),
            folder=Path(folder),
        )
    return blocks_of(printed, platforms, pythons)


def _check_wheels(name: str, platform: Platform, python: str) -> None:
    """End with an error if a distribution, torch among them, has no wheel for a platform and a Python."""
    files = (f"{name}.txt", "torch.txt")
    where = ("--python-platform", platform.uv_name, "--python-version", python)
    _uv(*files, "--no-deps", "--only-binary", ":all:", *where, folder=FOLDER)


def _uv(*arguments: str, folder: Path) -> str:
    """Return the output of ``uv pip compile``, which may not fetch a Python of its own."""
    own = {"UV_PYTHON_DOWNLOADS": "never", "MACOSX_DEPLOYMENT_TARGET": _MACOS_OF_TORCH}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "uv", "pip", "compile", "--quiet", *arguments],
        cwd=folder,
        env=os.environ | own,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"uv pip compile {' '.join(arguments)} has failed")
    return done.stdout


if __name__ == "__main__":
    main()
