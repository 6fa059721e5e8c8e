"""docs/architecture.md names functions, classes, files and threads that exist."""

import re
from pathlib import Path
from typing import get_args

import pytest

from service.device_queue.worker import WorkerState
from service.words import Status

REPOSITORY = Path(__file__).parents[1]
DOCUMENT = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+\. .+?) \| (.+?) \| (.+?) \|$", DOCUMENT, flags=re.MULTILINE)
THREADS = re.findall(r"^\| `(placefix-[a-z-]+?)(?:-N)?` \| .+ \| `(.+?)` \|$", DOCUMENT, flags=re.MULTILINE)
STATES = re.findall(r"`([A-Z]{4,})`", DOCUMENT.rpartition("**A worker**")[2])
WORDS = {"CURRENT", "service", "index_builder", *get_args(Status), *(state.name for state in WorkerState)}
PARAGRAPHS = [
    each
    for each in re.split(r"\n\n|\n- ", re.sub(r"```.*?```", "", DOCUMENT, flags=re.DOTALL))
    if "`" in each and not each.startswith(("|", "#"))
]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def undefined(names: list[str], files: list[str]) -> list[str]:
    """Return the names that none of the files defines as a function, a class, a constant or a field."""
    code = "".join((REPOSITORY / file).read_text("utf-8") for file in files)
    return [
        name
        for name in names
        if not re.search(
            rf"^ *(?:(?:async )?def|class) {name}\b|^{name}\b.* = |^    {name}: ", code, flags=re.MULTILINE
        )
    ]


def test_every_step_stands_in_the_document() -> None:
    assert len(ROWS) >= 20
    assert len(THREADS) == 8


@pytest.mark.parametrize(("step", "functions", "files"), ROWS, ids=[step[:40] for step, _, _ in ROWS])
def test_every_function_of_a_step_is_in_one_of_its_files(step: str, functions: str, files: str) -> None:
    assert quoted(files), step
    assert quoted(functions), step
    assert undefined(quoted(functions), quoted(files)) == []


def test_every_function_of_a_paragraph_is_in_one_of_its_files() -> None:
    found = 0
    for paragraph in PARAGRAPHS:
        names = {name for name in quoted(paragraph) if re.fullmatch(r"[A-Za-z]\w*", name)} - WORDS
        files = [name for name in quoted(paragraph) if re.fullmatch(r"[\w/]+\.py", name)]
        assert undefined(sorted(names), files) == [], paragraph
        found += len(names)
    assert found >= 25


def test_a_function_that_is_not_in_its_file_is_found() -> None:
    assert undefined(["Localizer", "fuse", "rank_again"], ["service/fusion.py"]) == ["Localizer", "rank_again"]


@pytest.mark.parametrize(("thread", "file"), THREADS)
def test_every_thread_is_started_in_its_file(thread: str, file: str) -> None:
    assert f'"{thread}' in (REPOSITORY / file).read_text("utf-8")


def test_no_thread_of_the_service_is_left_out() -> None:
    started = {
        name.rstrip("-")
        for file in (REPOSITORY / "service").rglob("*.py")
        for name in re.findall(r'"(placefix-[a-z-]+)', file.read_text("utf-8"))
    }
    assert started == {thread for thread, _ in THREADS}


def test_every_file_that_is_named_exists() -> None:
    files = {name for name in quoted(DOCUMENT) if re.fullmatch(r"[\w/]+\.(?:py|md|toml)", name)}
    assert len(files) >= 30
    assert [file for file in sorted(files) if not (REPOSITORY / file).exists()] == []


def test_the_states_of_a_worker_are_those_of_the_code() -> None:
    assert {state.name for state in WorkerState} <= set(STATES)


def test_every_package_stands_in_the_table() -> None:
    packages = {file.parent.name for file in REPOSITORY.glob("*/__init__.py")} - {"demo", "benchmarks", "docs", "tests"}
    assert packages == set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, flags=re.MULTILINE))
