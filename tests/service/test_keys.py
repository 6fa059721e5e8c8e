"""Lines of the file of keys: what they say, and what is wrong with those that say nothing."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from service.errors import InvalidKeys
from service.key_file import append_key, read_keys, remove_key
from service.keys import ApiKey, Scope, find_key, make_key, parse_keys

DIGEST = "0" * 63 + "a"


def test_a_key_is_256_random_bits_and_its_line_holds_only_their_hash() -> None:
    key, line = make_key("fleet", [Scope.METRICS, Scope.READ])
    assert key != make_key("fleet", [Scope.READ])[0]
    assert len(key.removeprefix("placefix_")) == 43  # 32 bytes in base 64
    assert key not in line
    assert line == f"fleet read,metrics sha256:{hashlib.sha256(key.encode()).hexdigest()}"
    (parsed,) = parse_keys(line)
    assert (parsed.name, parsed.scopes) == ("fleet", frozenset({Scope.READ, Scope.METRICS}))
    assert find_key([parsed], key) is parsed


def test_the_right_one_of_several_is_found_and_nothing_else_is() -> None:
    made = {name: make_key(name, [Scope.READ]) for name in ("a", "b", "c")}
    keys = parse_keys("\n".join(line for _, line in made.values()))
    for name, (key, _) in made.items():
        found = find_key(keys, key)
        assert found is not None
        assert found.name == name
        for other in (key[:-1], key + "=", key.upper(), f" {key}", found.digest.hex(), ""):
            assert find_key(keys, other) is None
    assert find_key(keys, "\udcff ü 🗝") is None
    assert find_key([], made["a"][0]) is None


def test_empty_lines_and_comments_say_nothing() -> None:
    assert parse_keys("") == ()
    text = f"# the fleet\n\n   # more\nfleet  read,admin\tsha256:{DIGEST}  \r\n"
    assert parse_keys(text) == (ApiKey("fleet", frozenset({Scope.READ, Scope.ADMIN}), bytes.fromhex(DIGEST)),)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("fleet", "a key is a name, its scopes and its hash"),
        ("fleet read, admin sha256:" + DIGEST, "a key is a name, its scopes and its hash"),
        ("my/fleet read sha256:" + DIGEST, "the name is not"),
        ("fleet write sha256:" + DIGEST, "the scopes of fleet are not some of read, browse, admin, metrics"),
        ("fleet read,,admin sha256:" + DIGEST, "the scopes of fleet"),
        ("fleet read sha256:abc", "the hash of fleet is not sha256: and 64 hexadecimal digits"),
        ("fleet read placefix_SECRET", "the hash of fleet"),
    ],
)
def test_a_line_that_is_no_key_is_named_and_never_repeated(line: str, sentence: str) -> None:
    with pytest.raises(InvalidKeys, match=sentence) as caught:
        parse_keys(f"# one\ngood read sha256:{DIGEST}\n{line}\n")
    assert caught.value.message.startswith("line 3: ")
    assert "SECRET" not in caught.value.message


def test_two_keys_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidKeys, match="line 2: a second key is named fleet"):
        parse_keys(f"fleet read sha256:{DIGEST}\nfleet admin sha256:{DIGEST}")


@pytest.mark.parametrize(("name", "scopes"), [("", [Scope.READ]), ("a b", [Scope.READ]), ("fleet", [])])
def test_a_key_that_could_not_be_written_is_not_made(name: str, scopes: list[Scope]) -> None:
    with pytest.raises(InvalidKeys):
        make_key(name, scopes)


def test_a_file_is_made_for_its_owner_alone_and_grows_and_shrinks_by_lines(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "keys.txt"
    append_key(path, "a", f"a read sha256:{DIGEST}")
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(path.read_text() + "# a remark\n  a.b metrics sha256:" + DIGEST)  # without an end of the line
    append_key(path, "c", f"c admin sha256:{DIGEST}")
    assert [key.name for key in read_keys(path)] == ["a", "a.b", "c"]
    path.chmod(0o640)
    remove_key(path, "a")
    assert path.read_text() == f"# a remark\n  a.b metrics sha256:{DIGEST}\nc admin sha256:{DIGEST}\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_changes_at_once_are_all_made(tmp_path: Path) -> None:
    """Each hand adds and removes keys of its own: at the end those are there that nobody removed."""
    path, hands, rounds = tmp_path / "keys.txt", 4, 15
    barrier = Barrier(hands)

    def change(hand: int) -> None:
        barrier.wait()
        for number in range(rounds):
            append_key(path, f"stays-{hand}-{number}", f"stays-{hand}-{number} read sha256:{DIGEST}")
            append_key(path, f"goes-{hand}", f"goes-{hand} read sha256:{DIGEST}")
            remove_key(path, f"goes-{hand}")

    with ThreadPoolExecutor(hands) as threads:
        for done in [threads.submit(change, hand) for hand in range(hands)]:
            done.result()
    expected = {f"stays-{hand}-{number}" for hand in range(hands) for number in range(rounds)}
    assert {key.name for key in read_keys(path)} == expected
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("is_there", [True, False])
def test_link_stays_a_link(is_there: bool, tmp_path: Path) -> None:
    target, link = tmp_path / "secrets" / "keys.txt", tmp_path / "keys.txt"
    target.parent.mkdir()
    if is_there:
        target.write_text("# the fleet\n")
    link.symlink_to(target.relative_to(tmp_path))
    for name in ("a", "b"):
        append_key(link, name, f"{name} read sha256:{DIGEST}")
    remove_key(link, "a")
    assert link.is_symlink()
    assert [key.name for key in read_keys(target)] == ["b"]
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_owner_stays_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    append_key(path, "a", f"a read sha256:{DIGEST}")
    os.chown(path, 10001, 10002)
    remove_key(path, "a")
    assert (path.stat().st_uid, path.stat().st_gid) == (10001, 10002)


def test_what_cannot_be_done_to_a_file_leaves_it_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    with pytest.raises(InvalidKeys, match=r"keys\.txt: No such file"):
        remove_key(path, "a")
    path.write_text(f"a read sha256:{DIGEST}\n")
    with pytest.raises(InvalidKeys, match="has a key named a already"):
        append_key(path, "a", f"a read sha256:{DIGEST}")
    with pytest.raises(InvalidKeys, match="no key named b; it has a"):
        remove_key(path, "b")
    assert path.read_text() == f"a read sha256:{DIGEST}\n"
    for content, sentence in ((b"\xff\xfe", "is not text"), (b"nonsense\n", r"keys\.txt, line 1: ")):
        path.write_bytes(content)
        with pytest.raises(InvalidKeys, match=sentence):
            append_key(path, "b", f"b read sha256:{DIGEST}")
        assert path.read_bytes() == content
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(InvalidKeys, match="larger than"):
        read_keys(path)
    with pytest.raises(InvalidKeys, match="Is a directory"):
        read_keys(tmp_path)
