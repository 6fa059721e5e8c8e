"""The list of weights: published ones, and other files in the cache."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from model.publication import PublishedWeights
from model.published_weights import PUBLISHED
from model.weights_cache import WeightsCache

Presence = Literal["installed", "fetched", "imported", "no"]


@dataclass(frozen=True)
class ListedWeights:
    """Describe one row of the list.

    Attributes:
        name: The name for ``--weights``.
        purpose: The use of the weights; ``your own`` if it is unknown.
        size_bytes: The size of the file, or the approximate size of the published file if it is not here.
        licence: The licence; None if unknown.
        source: The publisher, or the address of the download; None for an imported file that is not published.
        presence: The state: in an installed Python package, in the cache by download, in the cache by import or by
            hand, or absent.
        path: The file in the cache, if it exists.
    """

    name: str
    purpose: str
    size_bytes: int
    licence: str | None
    source: str | None
    presence: Presence
    path: Path | None


def list_weights(
    cache: WeightsCache, catalogue: Mapping[str, PublishedWeights] = PUBLISHED
) -> tuple[ListedWeights, ...]:
    """List the published weights, then the other files in the cache, by name.

    Raises:
        WeightsError: The record of a download in the cache is damaged.
    """
    others = [(name, cache.find(name)) for name in cache.names() if name not in catalogue]
    own = [_own(name, path, cache) for name, path in others if path is not None]  # None: removed since it was listed
    return (*(_published(entry, cache) for entry in catalogue.values()), *own)


def is_installed(entry: PublishedWeights) -> bool:
    """Return whether weights are in an installed Python package."""
    return entry.package is not None and find_spec(entry.package) is not None


def _published(entry: PublishedWeights, cache: WeightsCache) -> ListedWeights:
    path = None if entry.package is not None else cache.find(entry.name)
    return ListedWeights(
        name=entry.name,
        purpose=entry.purpose,
        size_bytes=entry.size_bytes if path is None else path.stat().st_size,
        licence=entry.licence,
        source=entry.publisher,
        presence=_presence(entry, path, cache),
        path=path,
    )


def _presence(entry: PublishedWeights, path: Path | None, cache: WeightsCache) -> Presence:
    if entry.package is not None:
        return "installed" if is_installed(entry) else "no"
    if path is None:
        return "no"
    return "imported" if cache.record_of(path) is None else "fetched"


def _own(name: str, path: Path, cache: WeightsCache) -> ListedWeights:
    record = cache.record_of(path)
    return ListedWeights(
        name=name,
        purpose="your own",
        size_bytes=path.stat().st_size,
        licence=None,
        source=None if record is None else record.url,
        presence="imported" if record is None else "fetched",
        path=path,
    )
