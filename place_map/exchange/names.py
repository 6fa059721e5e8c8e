"""The names of files at an origin, which are also their names in the cache of a machine that fetches.

Each version, each segment, each codebook and each file of codes has a folder whose name holds the beginning of its sum.
Two maps that diverged therefore never write the same file with different content, and a file that is there never
changes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Self

from place_map import layout
from place_map.current import Current
from place_map.file_sum import FileSum
from place_map.index_entry import IndexCodes
from place_map.manifest import Manifest
from place_map.segment import Segment
from place_map.shard import Shard, segments_of

_SUM_DIGITS = 12


@dataclass(frozen=True)
class Folder:
    """Name the folder of a version, of a segment, or of a codebook and its codes.

    Attributes:
        kind: ``versions``, ``segments`` or ``codes``.
        number: The number in the map.
        sha256: The sum of a version's manifest, of a codebook, of codes, or of the sums of a segment's files.
        files: Name → size and sum, without thumbnails that have a file each.
        part: The part of the number that the folder has; empty for the whole.
    """

    kind: str
    number: str
    sha256: str
    files: Mapping[str, FileSum]
    part: str = ""

    @property
    def at_origin(self) -> str:
        """Return the path below the origin."""
        part = f"-{self.part}" if self.part else ""
        return f"{self.kind}/{self.number}{part}-{self.sha256[:_SUM_DIGITS]}"

    @property
    def in_map(self) -> str:
        """Return the path below the map."""
        return f"{self.kind}/{self.number}"

    @classmethod
    def of_segment(cls, segment: Segment) -> Self:
        """Name the folder of a segment; the sum covers the lines that ``sha256sum`` prints for its files."""
        lines = "".join(f"{segment.files[name].sha256}  {name}\n" for name in sorted(segment.files))
        return cls(layout.SEGMENTS, segment.id, sha256(lines.encode()).hexdigest(), segment.files)

    @classmethod
    def of_codes(cls, codes: IndexCodes, segments: Iterable[Segment]) -> list[Self]:
        """Name the folders of a codebook and of the codes of some segments.

        Maps that diverged may have other codes of a segment by the same codebook, so each file has a folder.
        """
        named = codes.files(segment.id for segment in segments)
        return [
            cls(layout.CODES, codes.number, file.sha256, {path.name: file}, part=path.stem)
            for path, file in ((PurePosixPath(name), file) for name, file in named.items())
        ]

    @classmethod
    def of_version(cls, manifest: Manifest, content: bytes, shard: Shard | None = None) -> Self:
        """Name the folder of a version.

        Args:
            manifest: The manifest.
            content: The bytes of its file.
            shard: The part of the map that reads it; a part needs no index in one file.
        """
        digest = sha256(content).hexdigest()
        files = {layout.MANIFEST: FileSum(bytes=len(content), sha256=digest), layout.LEFT_OUT: manifest.left_out}
        if manifest.calibration is not None:
            files[layout.CALIBRATION] = manifest.calibration
        if shard is None and manifest.index.file is not None:
            files[layout.INDEX] = manifest.index.file
        return cls(layout.VERSIONS, manifest.version, digest, files)


def version_folders(manifest: Manifest, content: bytes, shard: Shard | None = None) -> list[Folder]:
    """Return the folders of the codes of a version, or of a part of it, if it has codes, and the folder of the version.

    Args:
        manifest: The manifest.
        content: The bytes of its file.
        shard: The part of the map that reads it.

    Raises:
        InvalidInput: There are fewer segments than shards.
    """
    version = Folder.of_version(manifest, content, shard)
    codes = manifest.index.codes
    return [version] if codes is None else [*Folder.of_codes(codes, segments_of(manifest, shard)), version]


def version_path(pointer: Current) -> str:
    """Return the path below an origin of the folder of a version."""
    return f"{layout.VERSIONS}/{pointer.version}-{pointer.manifest_sha256[:_SUM_DIGITS]}"


def segment_folders(manifest: Manifest, shard: Shard | None = None) -> list[Folder]:
    """Return the folders of the segments of a version, or of a part of it, in the order of the manifest.

    Raises:
        InvalidInput: There are fewer segments than shards.
    """
    return [Folder.of_segment(segment) for segment in segments_of(manifest, shard)]
