"""``left_out.csv``: all pictures of the sources that are not in the map, with the reasons."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from place_map import layout
from place_map.errors import MapCorrupt

HEADER = ("path", "outcome", "code", "reason", "source", "content_sha256")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Describe a picture that is not added to the map.

    Attributes:
        path: The name in the collection: the path below the folder, or the name in the list.
        outcome: ``skipped``: it has no usable position; ``rejected``: the picture cannot be read.
        code: A stable code: a ``LeftOutCode``, or the ``code`` of an ``ImageError``.
        reason: A sentence for people.
        content_sha256: SHA-256 of the file of a rejected picture; None if the file could not be read, or was not
            opened.
    """

    path: str
    outcome: Literal["skipped", "rejected"]
    code: str
    reason: str
    content_sha256: str | None = None


def left_out_csv(by_source: Mapping[int, Iterable[LeftOut]]) -> bytes:
    """Return the bytes of the file: UTF-8, a header, one line for each picture, by source and path.

    Args:
        by_source: Number of a source in the manifest → its pictures that are not in the map.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for source, left_out in sorted(by_source.items()):
        lines = sorted(
            (entry.path, entry.outcome, entry.code, entry.reason, source, entry.content_sha256 or "")
            for entry in left_out
        )
        writer.writerows(lines)
    return text.getvalue().encode("utf-8", "backslashreplace")


def read_left_out(map_dir: Path, version: str) -> dict[int, tuple[LeftOut, ...]]:
    """Read the list of a version. Earlier releases wrote no sums, and there was one source before format 3.

    Args:
        map_dir: The map.
        version: The version, six digits.

    Returns:
        Number of a source in the manifest → its pictures that are not in the map.

    Raises:
        MapCorrupt: The file is missing, or is not a list of this kind.
    """
    path = layout.version_dir(map_dir, version) / layout.LEFT_OUT
    found: dict[int, list[LeftOut]] = {}
    try:
        for line in csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")):
            outcome: Literal["skipped", "rejected"] = "skipped" if line["outcome"] == "skipped" else "rejected"
            entry = LeftOut(line["path"], outcome, line["code"], line["reason"], line.get("content_sha256") or None)
            found.setdefault(int(line.get("source") or 0), []).append(entry)
    except (OSError, ValueError, KeyError) as error:
        raise MapCorrupt(f"{path} cannot be read: {error}; run placefix verify on the map") from error
    return {source: tuple(entries) for source, entries in found.items()}
