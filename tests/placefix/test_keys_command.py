"""``placefix keys``."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from placefix.command_line import app
from service.errors import InvalidKeys
from service.key_file import read_keys
from service.keys import Scope, find_key

runner = CliRunner()


def placefix(*arguments: str) -> str:
    """Return the standard output."""
    result = runner.invoke(app, ["keys", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.txt"


def test_a_key_is_printed_once_alone_and_found_in_the_file(path: Path) -> None:
    key = placefix("create", "--name", "fleet", "--scope", "read", "--scope", "metrics", "--file", str(path)).strip()
    found = find_key(read_keys(path), key)
    assert found is not None
    assert (found.name, found.scopes) == ("fleet", frozenset({Scope.READ, Scope.METRICS}))
    assert path.stat().st_mode & 0o777 == 0o600
    assert key not in path.read_text()


def test_keys_are_listed_and_revoked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACEFIX_KEYS", str(path))
    for name in ("fleet", "admin"):
        placefix("create", "--name", name, "--scope", "admin")
    listed = placefix("list")
    assert "fleet" in listed
    assert "sha256" not in listed
    assert "fleet revoked" in placefix("revoke", "--name", "fleet").replace("\n", " ")
    assert "fleet" not in placefix("list")


def test_mistakes_are_sentences(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLACEFIX_KEYS", raising=False)
    for arguments, sentence in (
        (("list",), "no file of keys was given; name one with --file, or with PLACEFIX_KEYS"),
        (("list", "--file", str(path)), "No such file"),
        (("create", "--name", "a b", "--scope", "read", "--file", str(path)), "is not a name for a key"),
    ):
        result = runner.invoke(app, ["keys", *arguments])
        assert isinstance(result.exception, InvalidKeys)
        assert sentence in result.exception.message
    assert runner.invoke(app, ["keys", "create", "--name", "a", "--scope", "write", "--file", str(path)]).exit_code == 2
    assert not path.exists()
