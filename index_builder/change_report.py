"""The report of a build or of a change of a map."""

import time
from dataclasses import dataclass
from pathlib import Path

from place_map import layout
from place_map.manifest import Change, Counts, Manifest


@dataclass(frozen=True)
class ChangeReport:
    """Report the result of a build or a change.

    Attributes:
        map_path: The map.
        version: The version that is served now.
        parent: The version from which it was made.
        change: Pictures that were added, removed and replaced.
        counts: Pictures in the version, pictures without a usable position, and pictures that cannot be read.
        index: Its shortlist index, in the notation of faiss's ``index_factory``.
        encoded: Pictures that went through the network in this run; the others came from an interrupted one.
        total_bytes: Size of the version.
        duration_s: Duration of this run.
        is_new: Whether this run has made the version; else there was nothing to do.
    """

    map_path: Path
    version: str
    parent: str | None
    change: Change
    counts: Counts
    index: str
    encoded: int
    total_bytes: int
    duration_s: float
    is_new: bool

    @classmethod
    def of(
        cls, map_dir: Path, manifest: Manifest, started_s: float, *, encoded: int = 0, is_new: bool = False
    ) -> "ChangeReport":
        """Return the report of an existing version, for a run that began at a time of ``time.perf_counter``."""
        return cls(
            map_path=map_dir,
            version=manifest.version,
            parent=manifest.parent,
            change=manifest.change,
            counts=manifest.counts,
            index=manifest.index.factory,
            encoded=encoded,
            total_bytes=manifest.total_bytes,
            duration_s=time.perf_counter() - started_s,
            is_new=is_new,
        )

    @property
    def placed(self) -> int:
        """Return the number of pictures in the map."""
        return self.counts.placed

    @property
    def skipped(self) -> int:
        """Return the number of pictures without a usable position."""
        return self.counts.skipped

    @property
    def rejected(self) -> int:
        """Return the number of pictures that cannot be read."""
        return self.counts.rejected

    @property
    def left_out_path(self) -> Path:
        """Return the path of the list of pictures that are not in the map."""
        return layout.version_dir(self.map_path, self.version) / layout.LEFT_OUT
