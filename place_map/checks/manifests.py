"""The check of the manifests against the lines that name them: in ``CURRENT``, and beside each manifest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from place_map import layout
from place_map.checks.problem import Problem, ProblemKind, link, unreadable
from place_map.current import Current
from place_map.errors import MapCorrupt
from place_map.manifest import Manifest
from place_map.manifest_parsing import parse_manifest

_HEX_DIGITS_BY_CHANCE = 32  # the sums of two contents agree in about 4 of 64 digits, and never in half of them
_FORMAT_WITH_POINTERS = 3


@dataclass
class ManifestCheck:
    """Hold the result of the check.

    Attributes:
        current: The manifest of the served version; None if it cannot be read.
        manifests: The readable manifests of all versions, the oldest first.
        names: ``CURRENT``, the manifests, their lines, and the remains of removed versions.
        problems: All problems.
        are_all_known: Whether every manifest is readable.
    """

    current: Manifest | None = None
    manifests: list[Manifest] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    are_all_known: bool = True


def check_manifests(path: Path) -> ManifestCheck:
    """Read the manifests of all versions.

    Args:
        path: Directory of the map.

    Raises:
        MapVersionUnsupported: A newer release wrote one of them.
    """
    check = ManifestCheck(names={layout.CURRENT})
    served = _read_line(path, layout.CURRENT, check.problems)
    for number in layout.version_numbers(path):
        version = layout.version_of(number)
        directory = f"{layout.VERSIONS}/{version}"
        tombstone = f"{directory}/{layout.PRUNED}"
        if (path / tombstone).exists():
            check.names.add(tombstone)
            check.problems += _check_tombstone(path, tombstone)
            if not (path / directory / layout.MANIFEST).exists():
                continue  # otherwise its removal was interrupted
        if not (path / directory).is_dir():
            continue  # not a version; it is reported as a stray
        is_served = served is not None and served.version == version
        manifest = _check_version(path, version, served if is_served else None, check)
        if manifest is None:
            check.are_all_known = False
            continue
        check.manifests.append(manifest)
        if is_served:
            check.current = manifest
    if served is not None and not layout.version_dir(path, served.version).is_dir():
        message = f"it names version {served.version}, which is not there"
        check.problems.append(Problem(layout.CURRENT, ProblemKind.STRUCTURE, message))
    return check


def _check_version(path: Path, version: str, served: Current | None, check: ManifestCheck) -> Manifest | None:
    """Read the manifest of a version, and add its problems.

    Args:
        path: Directory of the map.
        version: Six digits.
        served: The content of ``CURRENT`` if it names this version.
        check: The result, which takes names and problems.
    """
    name = f"{layout.VERSIONS}/{version}/{layout.MANIFEST}"
    line_name = f"{layout.VERSIONS}/{version}/{layout.POINTER}"
    check.names |= {name, line_name}
    if (path / name).is_symlink():
        check.problems.append(link(name))
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        check.problems.append(unreadable(name, error))
        return None
    digest = sha256(content).hexdigest()
    has_line = (path / line_name).exists()
    line = _read_line(path, line_name, check.problems) if has_line else None
    if line is not None and line.version != version:
        check.problems.append(Problem(line_name, ProblemKind.STRUCTURE, f"it names version {line.version}"))
        line = None
    lines = {line_name: line, layout.CURRENT: served}
    stated = {where: each.manifest_sha256 for where, each in lines.items() if each is not None}
    if stated and digest not in stated.values():
        check.problems.append(_mismatch(name, digest, stated))
        return None
    check.problems += [
        Problem(where, ProblemKind.CHECKSUM, f"it states another SHA-256 than {name} has")
        for where, other in stated.items()
        if other != digest
    ]
    try:
        manifest = parse_manifest(content, path / name)
    except MapCorrupt as error:
        check.problems.append(Problem(name, ProblemKind.STRUCTURE, error.message))
        return None
    if manifest.version != version:
        check.problems.append(Problem(name, ProblemKind.STRUCTURE, f"it says that it is version {manifest.version}"))
        return None
    if not has_line and (manifest.format_version >= _FORMAT_WITH_POINTERS or served is None):
        check.problems.append(Problem(line_name, ProblemKind.MISSING, "it is not there"))
    return manifest


def _mismatch(name: str, digest: str, stated: dict[str, str]) -> Problem:
    """Tell whether a manifest or its line has changed: a changed line still resembles the sum."""
    where, other = next(iter(stated.items()))
    is_line_damaged = len(set(stated.values())) == 1 and _agreement(digest, other) > _HEX_DIGITS_BY_CHANCE
    damaged = where if is_line_damaged else name
    return Problem(damaged, ProblemKind.CHECKSUM, f"the manifest has another SHA-256 than {where} says")


def _agreement(digest: str, other: str) -> int:
    return sum(a == b for a, b in zip(digest, other, strict=True))


def _read_line(path: Path, name: str, problems: list[Problem]) -> Current | None:
    if (path / name).is_symlink():
        problems.append(link(name))
    try:
        return Current.parse((path / name).read_bytes(), path / name)
    except OSError as error:
        problems.append(unreadable(name, error))
    except MapCorrupt as error:
        problems.append(Problem(name, ProblemKind.STRUCTURE, error.message))
    return None


def _check_tombstone(path: Path, name: str) -> Iterator[Problem]:
    if (path / name).is_symlink():
        yield link(name)
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        yield unreadable(name, error)
        return
    if not content.strip().isdigit():
        yield Problem(name, ProblemKind.STRUCTURE, "it does not hold the number of the next segment")
