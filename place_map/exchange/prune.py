"""The removal of versions from an origin (``placefix map prune``)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from model.errors import InvalidInput
from place_map import layout
from place_map.exchange.names import segment_folders, version_folders
from place_map.exchange.origin import Origin
from place_map.exchange.published import find_version, name_of, named_version, read_version, version_names

_BATCH = 1000  # files; S3 removes so many in one request


@dataclass(frozen=True)
class PrunedOrigin:
    """Report a prune of an origin.

    Attributes:
        versions: The names of the versions.
        segments: The names of segments that no other version has, also from pushes that were killed.
        freed_bytes: The bytes of all that was removed.
    """

    versions: tuple[str, ...]
    segments: tuple[str, ...]
    freed_bytes: int


def prune_origin(origin: Origin, *, keep: int | None = None, versions: Sequence[str] = ()) -> PrunedOrigin:
    """Remove versions from an origin, and all files that no other version lists.

    The version that ``CURRENT`` names stays, and so does each folder that an unfinished push relies on. The manifest of
    a version goes before its segments, and a segment goes only if no version that stays lists it. So, whenever the
    process is killed, each version that the origin lists is whole; the same call removes the rest.

    Args:
        origin: The origin.
        keep: The number of newest versions to keep, beside the one that the origin names. All versions of one number
            count once.
        versions: The versions to remove, by number or by name, instead of ``keep``.

    Raises:
        InvalidInput: A version does not exist or is the named one; or neither or both of ``keep`` and ``versions`` are
            given.
        MapBusy: Another process publishes to the same directory.
        OriginError: The origin names no version, cannot be reached, or has a damaged manifest. Nothing was removed.
        MapVersionUnsupported: A newer release wrote a version that stays. Nothing was removed.
    """
    if (keep is None) == (not versions):
        raise InvalidInput("say either how many versions to keep, or which to remove")
    if keep is not None and keep < 1:
        raise InvalidInput(f"keep at least one version, not {keep}")
    named_version(origin)  # before anything is written to a place that is not an origin
    with origin.pruning() as claim:
        current = name_of(named_version(origin))
        there = version_names(origin)
        if keep is not None:
            numbers = sorted({int(name.partition("-")[0]) for name in there})[-keep:]
            doomed = [name for name in there if int(name.partition("-")[0]) not in numbers and name != current]
        else:
            doomed = sorted({find_version(origin, version) for version in versions})
        if current in doomed:
            raise InvalidInput(
                f"version {current} is the one that {origin.name} names; push another one before you remove it"
            )
        needed = claim.needed | _folders(origin, {current, *there} - set(doomed))
        files = {path: size for path, size in _all_files(origin).items() if _folder_of(path) not in needed}
        ordered = sorted(files, key=_goes_late)
        for start in range(0, len(ordered), _BATCH):
            claim.check()
            origin.remove(ordered[start : start + _BATCH])
    return PrunedOrigin(
        versions=tuple(name for name in doomed if f"{layout.VERSIONS}/{name}" not in needed),
        segments=tuple(sorted({path.split("/")[1] for path in files if path.startswith(layout.SEGMENTS)})),
        freed_bytes=sum(files.values()),
    )


def _folders(origin: Origin, names: Iterable[str]) -> set[str]:
    """Return all folders that versions list, and their own."""
    found: set[str] = set()
    for name in names:
        _, content, manifest = read_version(origin, name)
        found.update(folder.at_origin for folder in (*segment_folders(manifest), *version_folders(manifest, content)))
    return found


def _all_files(origin: Origin) -> dict[str, int]:
    return origin.sizes(layout.SEGMENTS) | origin.sizes(layout.CODES) | origin.sizes(layout.VERSIONS)


def _folder_of(path: str) -> str:
    return "/".join(path.split("/")[:2])


def _goes_late(path: str) -> int:
    """Return the place of a file in the order of removal: manifests, other files of versions, all else."""
    if path.endswith(f"/{layout.MANIFEST}"):
        return 0
    return 1 if path.startswith(layout.VERSIONS) else 2
