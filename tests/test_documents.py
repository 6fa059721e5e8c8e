"""What the documents name is what the code has."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from docs.generated import DOCUMENTS as DOCUMENTS_OF_CODE
from placefix.command_line import app
from placefix.exit_codes import ExitCode
from service.metrics import Metrics
from service.problems import PROBLEM_KINDS
from service.settings import ENVIRONMENT_PREFIX, ServiceSettings

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text("utf-8")
DOCUMENTS = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    REPOSITORY / "SECURITY.md",
    *(document for folder in ("docs", "demo") for document in sorted((REPOSITORY / folder).rglob("*.md"))),
]


REFERENCE = (REPOSITORY / "docs" / "reference.md").read_text("utf-8")


@pytest.mark.parametrize("name", DOCUMENTS_OF_CODE)
def test_what_is_made_of_the_code_is_what_the_code_says(name: str) -> None:
    stored = (REPOSITORY / "docs" / name).read_text("utf-8")
    assert stored == DOCUMENTS_OF_CODE[name](), "commands, settings, metrics or HTTP have changed: run make openapi"


def test_the_reference_has_all_that_has_a_name_from_outside() -> None:
    for name in ServiceSettings.model_fields:
        assert f"| `{ENVIRONMENT_PREFIX}{name.upper()}` |" in REFERENCE
    exposition = Metrics(version="1").exposition().decode()
    families = [family for family in text_string_to_metric_families(exposition) if family.name.startswith("placefix")]
    assert len(families) >= 13
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert re.search(rf"^\| `{name}(\{{[a-z,]+\}})?` \| {family.type} \|", REFERENCE, flags=re.MULTILINE)
    for code, kind in PROBLEM_KINDS.items():
        assert re.search(rf"^\| `{code}` \| `[a-z_]+` \| {kind.status} \|", REFERENCE, flags=re.MULTILINE)
    for each in ExitCode:
        assert f"| {each.value} | {each.meaning} |" in REFERENCE
    commands = [command.callback.__name__ for command in app.registered_commands if command.callback is not None]
    assert len(commands) >= 5
    for command in commands:
        assert f"### `placefix {command}`\n" in REFERENCE
    for group in app.registered_groups:
        assert f"### `placefix {group.name} " in REFERENCE


def test_the_readme_names_settings_with_their_defaults() -> None:
    rows = dict(re.findall(r"^\| `(PLACEFIX_[A-Z_]+)`[^|]*\| ([^|]*) \|", README, flags=re.MULTILINE))
    in_reference = dict(re.findall(r"^\| `(PLACEFIX_[A-Z_]+)` \|[^|]*\| ([^|]*) \|", REFERENCE, flags=re.MULTILINE))
    rows.pop("PLACEFIX_CACHE", None)
    for name, default in rows.items():
        assert default.replace(",", "") == in_reference[name], name


def test_the_readme_names_metrics_problems_and_commands_that_there_are() -> None:
    for name in re.findall(r"`(placefix_[a-z_]+)[{`]", README):
        assert f"| `{name}" in REFERENCE, name
    for statuses, codes in re.findall(r"^\| ([0-9, ]+) \| (`.*) \|$", README, flags=re.MULTILINE):
        for code in re.findall(r"`([a-z_]+)`", codes):
            if code in PROBLEM_KINDS:
                assert str(PROBLEM_KINDS[code].status) in statuses.split(", "), code
    for name in re.findall(r"`placefix ([a-z]+)", README):
        assert f"### `placefix {name}" in REFERENCE, name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text("utf-8")):
        assert target.startswith(("http://", "https://")) or (document.parent / target).exists(), target


def test_the_way_from_paper_to_code_leads_to_files_and_functions_that_exist() -> None:
    text = (REPOSITORY / "docs" / "paper_to_code.md").read_text("utf-8")
    files = set(re.findall(r"`((?:model|service|index_builder|placefix|tests)/[\w/]+\.py)`", text))
    assert len(files) >= 12
    code = "".join((REPOSITORY / file).read_text("utf-8") for file in files)
    names = set(re.findall(r"`(test_\w+|[A-Z][A-Za-z]+[a-z]|[a-z]+(?:_[a-z]+)+)`", text))
    assert len(names) >= 15
    for name in names:
        assert re.search(rf"\b(?:def|class) {name}\b", code), name
