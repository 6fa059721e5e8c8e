"""Notices at an object store, by which a push and a prune learn of each other.

A push writes which folders it relies on before it looks which of them are there. A prune writes that it is at work
before it reads the notices of pushes. So whichever comes second sees the other: the prune keeps the folders, or the
push is refused. The store has to list a file as soon as it is written, as S3 does.

A killed process leaves its notice. It counts until its limit has passed, and its writer gives up at half of it, so the
clocks of two machines may differ by the other half.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex

from place_map.errors import MapBusy, OriginError
from place_map.exchange.origin import Claim, Origin

_PUBLISHING, _PRUNING = ".publishing", ".pruning"
_LIMITS = {_PUBLISHING: timedelta(days=14), _PRUNING: timedelta(minutes=20)}
_TIME = "%Y%m%dT%H%M%S.%fZ"


@contextmanager
def publishing(origin: Origin, folders: Collection[str]) -> Iterator[Claim]:
    """Keep the folders of a version from being removed during the block.

    Raises:
        MapBusy: The origin is being pruned.
    """
    with _notice(origin, _PUBLISHING, folders) as claim:
        for path in _valid(origin, _PRUNING):
            until = _began(path) + _LIMITS[_PRUNING]
            raise MapBusy(
                f"{origin.name} is being pruned; give the same command again when that is done, and if it was killed, "
                f"after {until:%H:%M:%S} UTC. Nothing was sent"
            )
        yield claim


@contextmanager
def pruning(origin: Origin) -> Iterator[Claim]:
    """Keep pushes from beginning during the block, and learn which folders those that have begun rely on."""
    with _notice(origin, _PRUNING, ()) as claim:
        needed: set[str] = set()
        for path, size in _valid(origin, _PUBLISHING).items():
            needed.update(json.loads(b"".join(origin.read(path, 0, size))))
        yield replace(claim, needed=frozenset(needed))


@contextmanager
def _notice(origin: Origin, kind: str, folders: Collection[str]) -> Iterator[Claim]:
    began = datetime.now(UTC)
    path = f"{kind}/{began:{_TIME}}-{token_hex(4)}"
    content = json.dumps(sorted(folders)).encode()

    def check() -> None:
        if datetime.now(UTC) - began > _LIMITS[kind] / 2:
            raise OriginError(
                f"{origin.name}: this took longer than {_LIMITS[kind] / 2}, so others no longer count on it; give the "
                "same command again, it continues"
            )

    origin.write(path, [content], len(content))
    try:
        yield Claim(check=check)
    finally:
        origin.remove([path])


def _valid(origin: Origin, kind: str) -> dict[str, int]:
    """Return the notices of a kind, and remove those that killed processes left long ago."""
    notices = origin.sizes(kind)
    expired = [path for path in notices if datetime.now(UTC) - _began(path) > _LIMITS[kind]]
    origin.remove(expired)
    return {path: size for path, size in notices.items() if path not in expired}


def _began(path: str) -> datetime:
    return datetime.strptime(path.partition("/")[2].partition("-")[0], _TIME).replace(tzinfo=UTC)
