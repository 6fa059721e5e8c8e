"""What the documents name is what the code has."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from placefix.command_line import app
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


def test_the_readme_lists_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(PLACEFIX_[A-Z_]+)`[^|]*\| ([^|]*) \|", README, flags=re.MULTILINE))
    for name, field in ServiceSettings.model_fields.items():
        documented = rows.pop(f"{ENVIRONMENT_PREFIX}{name.upper()}")
        if field.default_factory is None and field.default not in (None, ()):
            default = field.default
            assert documented.replace(",", "") == (f"{default:g}" if isinstance(default, float) else str(default))
    assert set(rows) == {"PLACEFIX_CACHE"}


def test_the_readme_lists_every_metric() -> None:
    exposition = Metrics(version="1").exposition().decode()
    families = [family for family in text_string_to_metric_families(exposition) if family.name.startswith("placefix")]
    assert len(families) >= 13
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert f"`{name}" in README


def test_the_readme_lists_every_problem_under_its_status() -> None:
    rows = {
        status: codes
        for statuses, codes in re.findall(r"^\| ([0-9, ]+) \| (`.*) \|$", README, flags=re.MULTILINE)
        for status in statuses.split(", ")
    }
    for code, kind in PROBLEM_KINDS.items():
        assert f"`{code}`" in rows[str(kind.status)]


def test_the_readme_lists_every_command() -> None:
    commands = [command.callback.__name__ for command in app.registered_commands if command.callback is not None]
    assert len(commands) >= 5
    for name in [*commands, *(group.name for group in app.registered_groups)]:
        assert f"`placefix {name}" in README


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
