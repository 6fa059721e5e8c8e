"""The workflows and hooks can be read, and run targets of the Makefile."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.context import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HOOKS = ROOT / ".pre-commit-config.yaml"
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, flags=re.MULTILINE)[1].replace("\\", "").split())  # type: ignore[index]


def jobs_of(file: Path) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(file.read_text("utf-8"))["jobs"])


def commands() -> Iterator[str]:
    for file in WORKFLOWS:
        for job in jobs_of(file).values():
            yield from (step["run"] for step in job["steps"] if "run" in step)
    for repository in yaml.safe_load(HOOKS.read_text("utf-8"))["repos"]:
        yield from (hook["entry"] for hook in repository["hooks"])


def targets_used() -> set[str]:
    return {target for command in commands() for target in re.findall(r"\bmake ([a-z-]+)", command)}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_every_job_runs_on_a_named_machine_for_a_bounded_time_and_may_only_read(file: Path) -> None:
    assert yaml.safe_load(file.read_text("utf-8"))["permissions"] == {"contents": "read"}
    for job in jobs_of(file).values():
        assert re.fullmatch(r"ubuntu-\d\d\.04", job["runs-on"])
        assert 0 < job["timeout-minutes"] <= 180
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)


def test_targets_are_those_of_the_makefile() -> None:
    rules = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))
    assert rules == TARGETS
    assert targets_used() <= TARGETS
    assert {"test", "test-newest", "docs", "wheel", "coverage", "faults", "style", "types", "imports"} <= targets_used()


def test_pythons_that_are_tested_are_those_of_the_classifiers() -> None:
    tested = jobs_of(ROOT / ".github" / "workflows" / "tests.yml")["test"]["strategy"]["matrix"]["python"]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert tested == re.findall(r"Programming Language :: Python :: (3\.\d+)\"", project)


def test_only_the_newest_versions_may_fail_alone() -> None:
    forgiven = {name for file in WORKFLOWS for name, job in jobs_of(file).items() if job.get("continue-on-error")}
    assert forgiven == {"newest"}


def test_help_names_every_target_that_is_called_by_hand() -> None:
    helped = set(re.findall(r"^(?:# |\t@echo \")make ([a-z-]+) ", MAKEFILE, flags=re.MULTILINE))
    assert TARGETS - helped == {"help", "style", "types", "imports", "tests", "notice"}
