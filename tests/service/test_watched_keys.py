"""The keys of a running service follow their file, unless it is broken."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service import key_file
from service.errors import InvalidKeys
from service.key_file import WatchedKeys, append_key, remove_key
from service.keys import Scope, make_key


def add(path: Path, name: str) -> None:
    append_key(path, name, make_key(name, [Scope.READ])[1])


def names(keys: WatchedKeys) -> list[str]:
    keys.refresh()
    return [key.name for key in keys.keys]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.txt"
    add(path, "a")
    return path


def test_keys_come_and_go_with_their_lines(path: Path) -> None:
    keys = WatchedKeys(path)
    assert names(keys) == ["a"]
    add(path, "b")
    assert names(keys) == ["a", "b"]
    remove_key(path, "a")
    assert names(keys) == ["b"]
    remove_key(path, "b")
    assert names(keys) == []  # nobody is let in, not everybody


def test_a_file_that_has_not_changed_is_not_read_unless_asked(path: Path) -> None:
    keys = WatchedKeys(path)
    before = path.stat()
    path.write_text(path.read_text().replace("a ", "z "))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert names(keys) == ["a"]
    keys.ask_again()
    assert names(keys) == ["z"]


@pytest.mark.parametrize("break_it", ["write nonsense", "remove it", "put a folder there"])
def test_a_broken_file_never_replaces_a_good_one(break_it: str, path: Path) -> None:
    keys = WatchedKeys(path)
    good = path.read_text()
    path.unlink()
    if break_it == "write nonsense":
        path.write_text("secret nonsense\n")
    elif break_it == "put a folder there":
        path.mkdir()
    with capture_logs() as log:
        assert names(keys) == ["a"]
        assert names(keys) == ["a"]
    assert keys.is_stale
    (line,) = [line for line in log if line["log_level"] == "error"]  # told once, not every second
    assert str(path) in line["reason"]
    assert "secret" not in line["reason"]
    if path.is_dir():
        path.rmdir()
    path.write_text(good.replace("a ", "c "))
    assert names(keys) == ["c"]
    assert not keys.is_stale


def test_a_broken_file_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeys, match="placefix keys create"):
        WatchedKeys(tmp_path / "nowhere.txt")


def test_a_file_that_others_may_write_is_warned_about(path: Path) -> None:
    path.chmod(0o660)
    with capture_logs() as log:
        WatchedKeys(path)
    assert any("others may write" in line["event"] for line in log if line["log_level"] == "warning")
    path.chmod(0o644)
    with capture_logs() as log:
        WatchedKeys(path)
    assert [line["log_level"] for line in log] == ["info"]


def test_the_watch_reads_what_changes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_file, "_LOOK_EVERY_S", 0.01)
    keys = WatchedKeys(path)

    async def change_and_wait() -> None:
        watch = asyncio.create_task(keys.watch())
        add(path, "b")
        async with asyncio.timeout(20):
            while len(keys.keys) < 2:
                await asyncio.sleep(0.01)
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch

    asyncio.run(change_and_wait())
