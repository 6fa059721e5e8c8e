"""The versions that an origin has."""

from hashlib import sha256
from pathlib import Path

from model.errors import InvalidInput
from place_map import layout
from place_map.current import Current
from place_map.errors import OriginError
from place_map.exchange.names import version_path
from place_map.exchange.origin import Origin
from place_map.manifest import Manifest
from place_map.manifest_parsing import parse_manifest


def named_version(origin: Origin) -> Current:
    """Return the version that an origin names.

    Raises:
        OriginError: It names none, or cannot be reached.
    """
    served = origin.read_current()
    if served is None:
        raise OriginError(f"{origin.name} names no version: is it the right address? placefix map push fills it")
    return served.pointer


def name_of(pointer: Current) -> str:
    """Return the name of a version, as ``000002-0123456789ab``."""
    return version_path(pointer).partition("/")[2]


def version_names(origin: Origin) -> list[str]:
    """Return the names of the versions that are whole: a manifest comes last, and goes first."""
    return sorted(path.split("/")[1] for path in origin.sizes(layout.VERSIONS) if path.endswith(f"/{layout.MANIFEST}"))


def find_version(origin: Origin, version: str) -> str:
    """Return the name of a version.

    Args:
        origin: The origin.
        version: Its number, or its name if several maps have published this number.

    Raises:
        InvalidInput: The origin does not have it, or has several of this number.
    """
    version = version.zfill(len(layout.FIRST_NUMBER))
    there = version_names(origin)
    found = [name for name in there if name.startswith(f"{version}-") or name == version]
    if len(found) != 1:
        raise InvalidInput(
            f"{origin.name} has {'no' if not found else 'more than one'} version {version}; it has "
            f"{', '.join(there) or 'none'}: give one of them"
        )
    return found[0]


def read_version(origin: Origin, name: str) -> tuple[Current, bytes, Manifest]:
    """Read the manifest of a version; return the line that names it, the bytes of the file, and the manifest.

    Raises:
        OriginError: The origin cannot be reached, or the manifest is missing or damaged.
        MapVersionUnsupported: A newer release wrote the version.
    """
    folder = f"{layout.VERSIONS}/{name}"
    path = f"{folder}/{layout.MANIFEST}"
    content = b"".join(origin.read(path, 0, origin.sizes(folder).get(path, 0)))
    pointer = Current(name.partition("-")[0], sha256(content).hexdigest())
    if version_path(pointer) != folder:
        raise wrong_sum(origin, path)
    return pointer, content, parse_manifest(content, Path(f"{origin.name}/{path}"))


def wrong_sum(origin: Origin, path: str) -> OriginError:
    """Return the error for a file at an origin that differs from the manifest."""
    return OriginError(
        f"{path} at {origin.name} is damaged: its SHA-256 is not the manifest's. Remove it there, and send the version "
        "again from a whole map: placefix map push"
    )
