"""The demo answers the README's question as the README shows."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from demo.__main__ import app as demo
from placefix.command_line import app as placefix
from tests.child_processes import REPOSITORY


def test_the_answer_is_the_one_that_is_shown(tmp_path: Path) -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    question = r"^curl -F image=@\.served/(\S+) \\\s+'\S+\?candidates=(\d+)'$"
    [(photo, candidates)] = re.findall(question, readme, flags=re.MULTILINE)
    [shown] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", readme, flags=re.DOTALL)]
    ask = CliRunner().invoke
    assert ask(demo, ["prepare", "--out", str(tmp_path)]).exit_code == 0
    settings = ["--settings", str(tmp_path / "served.toml")]
    asked = ask(placefix, ["localize", str(tmp_path / photo), *settings, "--candidates", candidates, "--json"])
    found = json.loads(asked.stdout)
    for answer in (shown, found):
        del answer["timings_ms"], answer["request_id"]
    # Another processor rounds otherwise.
    assert found.pop("confidence") == pytest.approx(shown.pop("confidence"), abs=0.005)
    for part in ("accuracy", "evidence"):
        assert found.pop(part) == pytest.approx(shown.pop(part), rel=0.05)
    for answer in (shown, found):
        answer["candidates"] = [
            {name: round(value, 2) if isinstance(value, float) else value for name, value in each.items()}
            for each in answer["candidates"]
        ]
    assert found == shown
