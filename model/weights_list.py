"""List the weights that there are: those that others publish, and what else lies in the cache."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from model.published_weights import PUBLISHED, PublishedWeights
from model.weights_cache import WeightsCache

Presence = Literal["installed", "fetched", "imported", "no"]


@dataclass(frozen=True)
class ListedWeights:
    """One row of the list.

    Attributes:
        name: As ``--weights`` takes it.
        purpose: What it is good for; ``your own`` where nothing is known.
        size_bytes: Of the file where it is here, else of the published one, nearly.
        licence: None where it is not known.
        source: Whose it is, or where it was fetched from; None for an imported file that nobody publishes.
        presence: Whether it is here: in a Python package that is installed, in the cache by a download, or in the cache
            by import or by hand; or not.
        path: The file in the cache, if it is there.
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
    """List what is published, then what else is in the cache, by name.

    Raises:
        WeightsError: The record of a download in the cache is damaged.
    """
    others = [(name, cache.find(name)) for name in cache.names() if name not in catalogue]
    own = [_own(name, path, cache) for name, path in others if path is not None]  # None: gone since it was listed
    return (*(_published(entry, cache) for entry in catalogue.values()), *own)


def is_installed(entry: PublishedWeights) -> bool:
    """Say whether weights come with a Python package that is installed."""
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
