"""The files of constraints/ fulfil pyproject.toml, in versions with hashes, and name no source of packages."""

import re
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from constraints.lock import LINUX, MACOS, PLATFORMS, blocks_of, supported_pythons
from tests.packaging.context import DOCKERFILE, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PYTHONS = supported_pythons(PROJECT["requires-python"])
FILES = ("cpu", "gpu", "dev")
BESIDE_THEM = ("heif", "cluster")
ALONE = ("s3_server",)  # an environment of its own


def text_of(name: str) -> str:
    return (ROOT / "constraints" / f"{name}.txt").read_text("utf-8")


def locked(name: str) -> dict[str, Requirement]:
    found = [Requirement(each) for each in re.findall(r"^([a-z].+) \\$", text_of(name), flags=re.MULTILINE)]
    return {each.name: each for each in found}


def version_of(requirement: Requirement) -> str:
    (exact,) = requirement.specifier
    assert exact.operator == "=="
    return exact.version


@pytest.mark.parametrize("name", FILES + BESIDE_THEM + ALONE)
def test_a_file_holds_versions_markers_and_hashes_alone(name: str) -> None:
    line = r"[a-z0-9-]+==[\w.]+(?: ; [\w .<>='\"()]+)? \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?|#.*"
    for each in text_of(name).splitlines():
        assert re.fullmatch(line, each), each
    assert "://" not in text_of(name)
    assert len(locked(name)) > (30 if name in FILES else 0)


@pytest.mark.parametrize("extra", ["cpu", "gpu", "heif", "cluster", "dev"])
def test_what_pyproject_asks_for_is_there_in_a_version_that_it_allows(extra: str) -> None:
    found = locked("cpu") | locked(extra) if extra in {"dev", *BESIDE_THEM} else locked(extra)
    for requirement in map(Requirement, [*PROJECT["dependencies"], *EXTRAS[extra]]):
        if requirement.name != "torch":
            version = version_of(found[canonicalize_name(requirement.name)])
            assert requirement.specifier.contains(version, prereleases=True), f"{requirement}: run make constraints"


def test_torch_is_pinned_without_a_hash_and_brings_what_only_its_build_needs() -> None:
    (torch,) = (each for each in PROJECT["dependencies"] if each.startswith("torch"))
    assert text_of("torch") == f"{torch}\n"
    assert re.fullmatch(r"torch==[\d.]+", torch)
    assert not {name for name in FILES for each in locked(name) if each == "torch"}
    assert not [each for each in locked("cpu") if each.startswith("nvidia")]


def test_files_agree_and_dev_repeats_nothing() -> None:
    cpu, gpu, dev = map(locked, FILES)
    assert not set(cpu) & set(dev)
    assert not set(gpu) & set(dev)
    assert set(cpu) - set(gpu) == {"faiss-cpu"}
    assert not set(locked("heif")) & (set(cpu) | set(gpu) | set(dev))
    cluster = locked("cluster")
    assert not set(cluster) & (set(cpu) | set(gpu))
    assert all(str(dev[name]) == str(each) for name, each in cluster.items() if name in dev)  # both are installed
    assert all(version_of(gpu[name]) == version_of(each) for name, each in cpu.items() if name in gpu)


def test_makefile_and_image_install_them_with_their_hashes() -> None:
    assert "LOCKED := constraints/$(EXTRA).txt constraints/dev.txt\n" in MAKEFILE
    assert "install --no-deps --require-hashes $(LOCKED:%=--requirement %)\n" in MAKEFILE
    assert "install --no-deps --require-hashes \\\n\t  --requirement constraints/s3_server.txt\n" in MAKEFILE
    assert "moto" in locked("s3_server")


@pytest.mark.parametrize("extras", ["cpu", "gpu", "cpu,heif", "gpu,heif", "cpu,cluster"])
def test_image_installs_the_files_of_its_extras(extras: str) -> None:
    [install] = re.findall(r"^RUN (pip install .*constraints/%s.*)$", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE)
    script = f'pip() {{ echo "$@"; }}\n{install}'
    done = subprocess.run(["sh", "-c", script], env={"EXTRA": extras}, capture_output=True, text=True, check=True)
    command, *options = done.stdout.split(" --requirement ")
    assert command == "install --no-deps --require-hashes"
    assert [option.strip() for option in options] == [f"constraints/{extra}.txt" for extra in extras.split(",")]
    assert all((ROOT / option.strip()).exists() for option in options)


def test_pythons_are_said_alike() -> None:
    first, last = (tuple(map(int, each.split("."))) for each in (PYTHONS[0], PYTHONS[-1]))
    assert f"not {first} <= sys.version_info < {(last[0], last[1] + 1)}" in MAKEFILE
    assert MAKEFILE.count(f"Placefix needs Python {PYTHONS[0]} to {PYTHONS[-1]}") == 2
    tested = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), flags=re.MULTILINE)
    assert tested == PYTHONS[: len(tested)]


def test_a_marker_that_is_true_everywhere_is_left_out() -> None:
    hashes = f"    --hash=sha256:{'0' * 64}\n"
    printed = (
        f"one==1.0 ; python_full_version < '3.15' and sys_platform == 'linux' \\\n{hashes}"
        f"two==2.0 ; sys_platform == 'darwin' \\\n{hashes}"
    )
    found = blocks_of(printed, (LINUX,), PYTHONS)
    assert found["one"] == f"one==1.0 \\\n{hashes}"
    assert found["two"] == f'two==2.0 ; sys_platform == "darwin" \\\n{hashes}'
    assert ";" in blocks_of(printed, (LINUX, MACOS), PYTHONS)["one"]


def test_a_distribution_without_hashes_is_refused() -> None:
    with pytest.raises(SystemExit, match="no hashes"):
        blocks_of("one==1.0\n", PLATFORMS["cpu"], PYTHONS)
