"""The way from the address of an origin to the origin."""

from pathlib import Path

from model.errors import InvalidInput
from place_map import layout
from place_map.exchange.directory import DirectoryOrigin
from place_map.exchange.origin import Origin


def is_origin(address: str) -> bool:
    """Return whether an address leads to an origin with a version, rather than to a map."""
    path = Path(address)
    has_version = (path / layout.CURRENT).is_file() and (path / layout.VERSIONS).is_dir()
    return "://" in address or (has_version and not layout.version_numbers(path))


def open_origin(address: str) -> Origin:
    """Open a directory, or ``s3://BUCKET/PREFIX``.

    Raises:
        InvalidInput: The address is of another kind, or leads to something else than an origin.
    """
    scheme, mark, _ = address.partition("://")
    if not mark:
        return DirectoryOrigin(Path(address))
    if scheme != "s3":
        raise InvalidInput(f"{address} is not of a known kind: an origin is a directory, or s3://BUCKET/PREFIX")
    from place_map.exchange.object_store import ObjectStoreOrigin  # noqa: PLC0415 (15 MB that few commands need)

    return ObjectStoreOrigin.open(address)
