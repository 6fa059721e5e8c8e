"""Names in the documents exist in the code."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.__main__ import app as benchmarks
from demo.__main__ import app as demo
from docs.generated import DOCUMENTS as DOCUMENTS_OF_CODE
from placefix.command_line import app as placefix
from placefix.exit_codes import ExitCode
from service.earlier_settings import REMOVED
from service.metrics import Metrics
from service.problems import PROBLEM_KINDS
from service.settings import ENVIRONMENT_PREFIX, ServiceSettings

REPOSITORY = Path(__file__).parents[1]
DOCUMENTS = [
    *(REPOSITORY / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")),
    *(document for folder in ("docs", "demo") for document in sorted((REPOSITORY / folder).rglob("*.md"))),
]
PROGRAMS = {"placefix": placefix, "python -m demo": demo, "python -m benchmarks": benchmarks}

of_each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))


@pytest.mark.parametrize("name", DOCUMENTS_OF_CODE)
def test_what_is_made_of_the_code_is_what_the_code_says(name: str) -> None:
    stored = (REPOSITORY / "docs" / name).read_text("utf-8")
    assert stored == DOCUMENTS_OF_CODE[name](), "commands, settings, metrics or HTTP have changed: run make reference"


def test_the_reference_has_all_that_has_a_name_from_outside() -> None:
    reference = (REPOSITORY / "docs" / "reference.md").read_text("utf-8")
    for name in ServiceSettings.model_fields:
        assert f"| `{ENVIRONMENT_PREFIX}{name.upper()}` |" in reference
    exposition = Metrics(version="1").exposition().decode()
    families = [family for family in text_string_to_metric_families(exposition) if family.name.startswith("placefix")]
    assert len(families) >= 13
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert re.search(rf"^\| `{name}(\{{[a-z,]+\}})?` \| {family.type} \|", reference, flags=re.MULTILINE)
    for code, kind in PROBLEM_KINDS.items():
        assert re.search(rf"^\| `{code}` \| `[a-z_]+` \| {kind.status} \|", reference, flags=re.MULTILINE)
    for each in ExitCode:
        assert f"| {each.value} | {each.meaning} |" in reference
    commands = typer.main.get_command(placefix).commands  # type: ignore[attr-defined]
    assert len(commands) >= 15
    for name, command in commands.items():
        is_group = hasattr(command, "commands")
        assert f"### `placefix {name}{' ' if is_group else '`'}" in reference
    assert "### `POST /localize`\n" in reference
    assert "| `max_wrong` | number above 0 and below 1 |" in reference


def test_every_setting_has_somebody_who_needs_it() -> None:
    decision = (REPOSITORY / "docs/decisions/0024-settings-that-somebody-needs.md").read_text("utf-8")
    assert [
        name for name in ServiceSettings.model_fields if f"`{name}`" not in decision.partition("| stays |")[2]
    ] == []
    assert [name for name in REMOVED if f"`{name}`" not in decision.partition("| stays |")[0]] == []


@of_each_document
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        linked = document.parent / path if path else document
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text("utf-8")), target


@of_each_document
def test_commands_can_be_given(document: Path) -> None:
    """Commands and options exist; placeholders for the reader's own files and words are not checked."""
    check_commands(document.read_text("utf-8"))


@pytest.mark.parametrize(
    "line", ["placefix biuld", "placefix map describe --outt town.png", "python -m demo rendr", "make serv", "make A=1"]
)
def test_a_command_that_cannot_be_given_is_found(line: str) -> None:
    with pytest.raises(AssertionError):
        check_commands(f"```\n{line}\n```\n")


def test_the_way_from_paper_to_code_leads_to_files_and_functions_that_exist() -> None:
    text = (REPOSITORY / "docs" / "paper_to_code.md").read_text("utf-8")
    files = set(re.findall(r"`((?:model|service|index_builder|placefix|tests)/[\w/]+\.py)`", text))
    assert len(files) >= 12
    code = "".join((REPOSITORY / file).read_text("utf-8") for file in files)
    names = set(re.findall(r"`(test_\w+|[A-Z][A-Za-z]+[a-z]|[a-z]+(?:_[a-z]+)+)`", text))
    assert len(names) >= 15
    for name in names:
        assert re.search(rf"\b(?:def|class) {name}\b", code), name


@pytest.mark.parametrize("name", ["results", "reliability", "benchmarks"])
def test_a_figure_of_the_conclusions_stands_in_the_laboratory_book(name: str) -> None:
    docs = REPOSITORY / "docs"
    book = "".join(path.read_text("utf-8") for path in sorted((docs / "book").glob("*.md")))
    text = (docs / f"{name}.md").read_text("utf-8")
    cells = [cell for line in text.splitlines() if line.startswith("| ") for cell in line.split("|")[2:]]
    figures = {figure for cell in cells for figure in re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w.])", cell)}
    assert len(figures) >= 8
    assert [each for each in sorted(figures) if not re.search(rf"(?<![\d.,]){each}(?!,?\d|\.\d)", book)] == []


@pytest.mark.parametrize("name", ["results", "reliability"])
def test_a_page_of_conclusions_has_300_words_one_plot_and_one_table(name: str) -> None:
    text = (REPOSITORY / "docs" / f"{name}.md").read_text("utf-8")
    plots = re.findall(r"^!\[.+\]\(images/.+\.svg\)$", text, flags=re.MULTILINE)
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert (len(plots), len(tables)) == (1, 1)
    prose = text.replace(plots[0], "").replace(tables[0], "")
    assert 100 <= len(re.sub(r"\]\([^)]*\)", "]", prose).split()) <= 300


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    found: set[str] = set()
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ (.+)$", without_code, flags=re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        number = 1
        while (anchor := slug if number == 1 else f"{slug}-{number - 1}") in found:
            number += 1
        found.add(anchor)
    return found


def command_lines(text: str) -> Iterator[list[str]]:
    """Yield the words of each line of the blocks of code that hold commands."""
    for block in re.findall(r"^```(?:bash|sh)?\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            try:
                words = shlex.split(line, comments=True)
            except ValueError:  # no command: a lone quotation mark
                continue
            while words and re.match(r"^[A-Z_]+=", words[0]):
                del words[0]
            if words:
                yield words


def check_commands(text: str) -> None:
    for words in command_lines(text):
        if words[0] == "make":
            check_make(words[1:])
        for start, app in PROGRAMS.items():
            first = start.split()
            if [Path(words[0]).name, *words[1 : len(first)]] == first:
                check_command(typer.main.get_command(app), words[len(first) :], " ".join(words))


def check_make(words: list[str]) -> None:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    for word in words:
        if "&" in word:
            return
        name, is_variable, _ = word.partition("=")
        assert re.search(rf"^{name} \?=" if is_variable else rf"^{name}:", makefile, flags=re.MULTILINE), word


def check_command(command: Any, words: list[str], line: str) -> None:
    while children := getattr(command, "commands", {}):
        if not words or words[0].startswith("-"):
            return
        assert words[0] in children, line
        command, words = children[words[0]], words[1:]
    known = {"--help"} | {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        if word in {"|", "&&", ";", ">"}:
            return
        name = word.partition("=")[0]
        assert not re.fullmatch(r"--[a-z][a-z-]*", name) or name in known, f"{name}: {line}"
