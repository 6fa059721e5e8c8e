"""Tests and allowed versions show the promises of SECURITY.md."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[1]

# Releases that have a hole which a request, a picture, or a file from elsewhere can reach.
HOLES = [
    ("pillow", "12.3.0"),  # CVE-2026-112403: heap overflow in the JPEG decoder
    ("starlette", "1.3.0"),  # CVE-2026-54283: no limits on URL-encoded forms; CVE-2026-48710: addresses from Host
    ("python-multipart", "0.0.30"),  # CVE-2026-42561: unbounded headers of parts
    ("httptools", "0.6.1"),  # CVE-2024-27982: request smuggling
    ("faiss-cpu", "1.14.3"),  # overflows in the reader of indices
    ("faiss-gpu", "1.14.3"),
    ("torch", "2.5.1"),  # CVE-2025-32434: weights_only ran programs
    ("pyarrow", "14.0.0"),  # CVE-2023-47248: Parquet files ran programs
]


def test_every_threat_names_tests_that_exist() -> None:
    text = (REPOSITORY / "SECURITY.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| threat")]
    assert len(rows) >= 15
    for row in rows:
        shown_by = re.findall(r"`([\w/]+\.py)::(\w+)`", row.rpartition(" | ")[2])
        assert shown_by, row
        for file, test in shown_by:
            assert f"def {test}(" in (REPOSITORY / "tests" / file).read_text("utf-8"), (file, test)


@pytest.mark.parametrize(("name", "version"), HOLES, ids=[f"{name} {version}" for name, version in HOLES])
def test_no_version_with_a_known_hole_is_allowed(name: str, version: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    optional = [each for extra in project["optional-dependencies"].values() for each in extra]
    found = [each for each in map(Requirement, project["dependencies"] + optional) if each.name == name]
    assert found
    assert not [str(each) for each in found if each.specifier.contains(version)]
