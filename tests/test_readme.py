"""The README is short, and what it shows is so."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from service.schemas.answer import LocalizationAnswer

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text("utf-8")
FIGURES = re.findall(r"^\| .+ \| ([\d,.]+)\D* \| \[.+\]\((.+)\) \|$", README, flags=re.MULTILINE)


def test_it_is_read_in_two_minutes() -> None:
    assert len(README.splitlines()) <= 120
    prose = re.sub(r"^```.*?^```|\]\([^)]*\)|^\|[-:| ]+\|$", " ", README, flags=re.MULTILINE | re.DOTALL)
    assert len(re.findall(r"\w[\w.,%/’'-]*", prose)) <= 800


@pytest.mark.parametrize(("figure", "link"), FIGURES)
def test_a_figure_stands_where_its_link_leads(figure: str, link: str) -> None:
    text = (REPOSITORY / link.partition("#")[0]).read_text("utf-8")
    assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d,]|\.\d)", text)


def test_there_are_six_figures() -> None:
    assert len(FIGURES) == 6


def test_it_leads_to_every_document() -> None:
    for document in (REPOSITORY / "docs").glob("*.md"):
        assert f"(docs/{document.name})" in README, document.name


def test_the_answer_is_one_of_this_release() -> None:
    [answer] = re.findall(r"```json\n(.*?)```", README, flags=re.DOTALL)
    LocalizationAnswer.model_validate_json(answer)
    assert list(json.loads(answer)) == list(LocalizationAnswer.model_fields)


def test_the_version_is_one() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    [newest, *_] = re.findall(r"^## \[(\d.*)\]", (REPOSITORY / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text("utf-8"))
    [of_image] = re.findall(r"^ARG VERSION=(.*)$", (REPOSITORY / "docker/Dockerfile").read_text(), flags=re.MULTILINE)
    assert newest == citation["version"] == of_image == version
