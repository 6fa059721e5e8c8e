"""The examples of docs/python.md run as they stand there."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.conftest import Served, Town

REPOSITORY = Path(__file__).parents[3]
TEXT = (REPOSITORY / "docs" / "python.md").read_text("utf-8")
EXAMPLES = re.findall(r"^## (.+?)$|^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def titled() -> Iterator[tuple[str, str]]:
    title = ""
    for heading, code in EXAMPLES:
        title = heading or title
        if code:
            yield title, code


@pytest.mark.parametrize(("title", "code"), list(titled()))
def test_example_runs(
    title: str,
    code: str,
    town: Town,
    town_server: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    photo = town.photos["100%.jpg"]
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "town").symlink_to(town.map_path)
    shutil.copy(photo, tmp_path / "photo.jpg")
    shutil.copy(town.photos["a+b&c.jpg"], tmp_path / "another.jpg")
    (tmp_path / "damaged.jpg").write_bytes(photo.read_bytes()[:2000])
    monkeypatch.chdir(tmp_path)
    exec(code.replace("http://localhost:8000", town_server.url), {})  # noqa: S102 (our own document)
    printed = capsys.readouterr().out
    if title == "When there is no answer":
        assert printed == "this photo cannot be used: corrupt_image\n"
    else:
        assert printed


def test_there_are_examples() -> None:
    assert len(list(titled())) >= 5
