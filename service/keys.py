"""Read API keys: the lines of the file of keys, and the key that a client has sent.

A key is 256 random bits, so it cannot be guessed, and its SHA-256 cannot be turned back into it. A slow hash for
passwords would protect nothing more: it makes guesses of human passwords expensive, and would here only let anybody
keep the server busy with wrong keys.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.errors import InvalidKeys

KEY_HEADER = "X-API-Key"
"""The header in which a client may send its key; ``Authorization`` may belong to a proxy."""

_PREFIX = "placefix_"  # so that a finder of a key knows its service
_KEY_BYTES = 32
_HASH = "sha256:"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")  # safe to write into a log
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Scope(StrEnum):
    """List the permissions of keys; none includes another.

    Attributes:
        READ: The permission to ask, and to see maps, their pictures and the samples.
        BROWSE: The permission to list all pictures of the maps.
        ADMIN: The permission to change the served version.
        METRICS: The permission to read the metrics.
    """

    READ = "read"
    BROWSE = "browse"
    ADMIN = "admin"
    METRICS = "metrics"


@dataclass(frozen=True)
class ApiKey:
    """Hold a key as the file has it.

    Attributes:
        name: The name of its owner, which the log shows.
        scopes: Its permissions.
        digest: The SHA-256 of the key.
    """

    name: str
    scopes: frozenset[Scope]
    digest: bytes


def make_key(name: str, scopes: Collection[Scope]) -> tuple[str, str]:
    """Make a key.

    Returns:
        The key, which is stored nowhere, and its line for the file.

    Raises:
        InvalidKeys: The name is not valid, or there are no scopes.
    """
    if not _NAME.fullmatch(name):
        raise InvalidKeys(
            f"{name!r} is not a name for a key; take 1 to 64 of the letters A to Z, digits, '.', '_', '-'"
        )
    if not scopes:
        raise InvalidKeys(f"the key {name} would allow nothing; name one of {_list(Scope)} with --scope")
    key = _PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    ordered = [scope for scope in Scope if scope in scopes]
    return key, f"{name} {','.join(ordered)} {_HASH}{_digest(key).hex()}"


def parse_keys(text: str) -> tuple[ApiKey, ...]:
    """Read the lines of a file of keys; empty lines and those that begin with ``#`` are ignored.

    Raises:
        InvalidKeys: A line is not a key, or two have the same name.
    """
    keys: dict[str, ApiKey] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not is_key_line(line):
            continue
        key = _parse_line(line, number)
        if key.name in keys:
            raise InvalidKeys(f"line {number}: a second key is named {key.name}; names must differ")
        keys[key.name] = key
    return tuple(keys.values())


def is_key_line(line: str) -> bool:
    """Return whether a line of the file is meant to hold a key."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def find_key(keys: Sequence[ApiKey], sent: str) -> ApiKey | None:
    """Return the key that a client has sent, if it is one of the keys.

    Its duration reveals nothing: all keys are compared, each in constant time.
    """
    digest = _digest(sent)
    found = None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _parse_line(line: str, number: int) -> ApiKey:
    # The message does not repeat the line itself: a key may have been pasted into it.
    fields = line.split()
    if len(fields) != 3:
        raise InvalidKeys(f"line {number}: a key is a name, its scopes and its hash, with spaces between them")
    name, scopes, digest = fields
    if not _NAME.fullmatch(name):
        raise InvalidKeys(f"line {number}: the name is not 1 to 64 of the letters A to Z, digits, '.', '_' and '-'")
    try:
        allowed = frozenset(Scope(scope) for scope in scopes.split(","))
    except ValueError as error:
        raise InvalidKeys(f"line {number}: the scopes of {name} are not some of {_list(Scope)}") from error
    digest = digest.removeprefix(_HASH)
    if not _DIGEST.fullmatch(digest):
        raise InvalidKeys(f"line {number}: the hash of {name} is not {_HASH} and 64 hexadecimal digits")
    return ApiKey(name, allowed, bytes.fromhex(digest))


def _list(scopes: Iterable[Scope]) -> str:
    return ", ".join(scopes)
