"""The manifest of a version: what belongs to it, how large each file is, and its SHA-256 sum.

Faiss and numpy files do not check themselves: with flipped bits they load and answer. So the manifest's sums decide;
its own sum stands in ``CURRENT``. Every field is described in docs/map_format.md.
"""

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError, model_validator

from index_builder.place_map import layout
from index_builder.place_map.feature_store import FloatType, bytes_per_value
from index_builder.place_map.local_codec import LocalCodec, StoreType
from model.durable import sha256_of
from model.encoding_precision import EncodingPrecision
from model.errors import MapCorrupt, MapVersionUnsupported
from model.preprocess import Preprocessing

FORMAT: Literal["placefix-map"] = "placefix-map"
FORMAT_VERSION: Literal[2] = 2

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[str, Field(pattern=r"^[0-9]{6,}$")]


class _Part(BaseModel):
    """A part of the manifest: immutable, with no unknown keys and no guessed types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FileSum(_Part):
    """Size and SHA-256 of a file."""

    bytes: NonNegativeInt
    sha256: Sha256

    @classmethod
    def of(cls, path: Path) -> Self:
        """Reads the whole file."""
        return cls(bytes=path.stat().st_size, sha256=sha256_of(path))


class Thumbnails(_Part):
    """How many thumbnails a segment has, and their bytes together. Their single sums are columns of the table."""

    count: NonNegativeInt
    bytes: NonNegativeInt


class Segment(_Part):
    """A set of pictures that were written together; it never changes, and versions may share it.

    Attributes:
        id: Name of its directory.
        rows: Number of pictures, dead ones included.
        dead_rows: Pictures that do not belong to this version any more, ascending.
        files: Sums of its three files.
        thumbnails: Count and bytes of its thumbnails.
    """

    id: Number
    rows: PositiveInt
    dead_rows: tuple[NonNegativeInt, ...] = ()
    files: dict[str, FileSum]
    thumbnails: Thumbnails

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if set(self.files) != set(layout.SEGMENT_FILES):
            raise ValueError(f"segment {self.id} must have the files {', '.join(layout.SEGMENT_FILES)}")
        if list(self.dead_rows) != sorted(set(self.dead_rows)) or any(row >= self.rows for row in self.dead_rows):
            raise ValueError(f"dead rows of segment {self.id} must be ascending and below {self.rows}")
        if self.thumbnails.count > self.rows:
            raise ValueError(f"segment {self.id} has more thumbnails than pictures")
        return self

    @property
    def live_rows(self) -> int:
        """Number of pictures that belong to the version."""
        return self.rows - len(self.dead_rows)


class NetworkIdentity(_Part):
    """The network that made the features.

    Attributes:
        fingerprint: ``model.fingerprint.fingerprint``.
        is_trained: Whether re-ranking with it means anything.
        config: ``NetworkConfig.to_dict``.
        weights_path: Where the file lay on the machine that built the map: a hint, checked by the fingerprint.
        precision: In which arithmetic it computed. Maps from before there was a choice do not say: float32.
    """

    fingerprint: Sha256
    is_trained: bool
    config: dict[str, int | str]
    weights_path: str | None
    precision: EncodingPrecision = "float32"


class FeatureShapes(_Part):
    """Widths and types of the stored features. A network without local features has a grid of (0, 0).

    Attributes:
        global_dim: D.
        local_grid: Height and width of the grid of local features.
        local_dim: C.
        dtype: Type of the global features.
        local_store: What the local features are stored as; None in maps of format 1, where it is ``dtype``.
    """

    global_dim: PositiveInt
    local_grid: tuple[NonNegativeInt, NonNegativeInt]
    local_dim: NonNegativeInt
    dtype: FloatType
    local_store: StoreType | None = None

    @property
    def local_codec(self) -> LocalCodec:
        """How the local features are read."""
        return LocalCodec(self.local_store or self.dtype, self.local_dim)

    @property
    def local_count(self) -> int:
        """Number N of local features of a picture."""
        return self.local_grid[0] * self.local_grid[1]

    @property
    def bytes_per_picture(self) -> int:
        """Bytes of the stored features of a picture."""
        local_bytes = self.local_codec.bytes_per_picture(self.local_count)
        return bytes_per_value(self.dtype) * self.global_dim + local_bytes


class Counts(_Part):
    """What became of the pictures of the source."""

    placed: PositiveInt
    skipped: NonNegativeInt
    rejected: NonNegativeInt


class SourceHint(_Part):
    """Where the pictures came from: a hint for ``placefix verify --weights``."""

    kind: str
    path: str


class IndexFile(_Part):
    """The shortlist index over the live rows, in the order of segments and rows."""

    factory: str
    metric: Literal["l2"] = "l2"
    file: FileSum


class Manifest(_Part):
    """Everything about one version of a map."""

    format: Literal["placefix-map"] = FORMAT
    format_version: Literal[1, 2] = FORMAT_VERSION
    version: Number
    created_at: str
    created_by: dict[str, str]
    source: SourceHint
    network: NetworkIdentity
    preprocessing: Preprocessing
    features: FeatureShapes
    counts: Counts
    index: IndexFile
    left_out: FileSum
    segments: Annotated[tuple[Segment, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        ids = [segment.id for segment in self.segments]
        if len(set(ids)) != len(ids):
            raise ValueError("a segment is listed twice")
        live = sum(segment.live_rows for segment in self.segments)
        if live != self.counts.placed:
            raise ValueError(
                f"the segments have {live} live rows, but {self.counts.placed} pictures are counted as placed"
            )
        return self

    def to_json(self) -> bytes:
        """The bytes of the file."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    @property
    def files(self) -> dict[str, FileSum]:
        """Path below the map → size and sum, of every file but ``CURRENT``, the manifest itself and thumbnails."""
        version = PurePosixPath(layout.VERSIONS, self.version)
        found = {str(version / layout.INDEX): self.index.file, str(version / layout.LEFT_OUT): self.left_out}
        for segment in self.segments:
            directory = PurePosixPath(layout.SEGMENTS, segment.id)
            found |= {str(directory / name): file for name, file in segment.files.items()}
        return found

    @property
    def total_bytes(self) -> int:
        """Bytes of all files that the manifest knows, thumbnails included."""
        return sum(file.bytes for file in self.files.values()) + sum(
            segment.thumbnails.bytes for segment in self.segments
        )


@dataclass(frozen=True)
class Current:
    """The content of ``CURRENT``: which version is served, and the sum of its manifest.

    The file is one line as ``sha256sum`` writes it, so that ``sha256sum --check CURRENT`` checks the manifest.
    """

    version: str
    manifest_sha256: str

    @classmethod
    def to_manifest(cls, manifest: Manifest) -> "Current":
        """The pointer to a version."""
        return cls(manifest.version, sha256(manifest.to_json()).hexdigest())

    def to_bytes(self) -> bytes:
        """The bytes of the file."""
        return f"{self.manifest_sha256}  {layout.VERSIONS}/{self.version}/{layout.MANIFEST}\n".encode()

    @classmethod
    def parse(cls, content: bytes, path: Path) -> "Current":
        """The inverse of ``to_bytes``.

        Raises:
            MapCorrupt: The file holds something else.
        """
        line = re.fullmatch(
            rf"([0-9a-f]{{64}})  {layout.VERSIONS}/([0-9]{{6,}})/{re.escape(layout.MANIFEST)}\n",
            content.decode("ascii", errors="replace"),
        )
        if line is None:
            raise MapCorrupt(f"{path} does not name a version of the map; restore it, or build the map again")
        return cls(version=line[2], manifest_sha256=line[1])


def parse_manifest(content: bytes, path: Path) -> Manifest:
    """Reads a manifest.

    Args:
        content: The bytes of the file.
        path: Where they lie, for messages.

    Raises:
        MapVersionUnsupported: Written in a newer format.
        MapCorrupt: Not a manifest, or one that contradicts itself.
    """
    try:
        head = json.loads(content)
    except ValueError as error:
        raise MapCorrupt(f"{path} is not JSON ({error}); restore it, or build the map again") from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise MapCorrupt(f"{path} is not the manifest of a Placefix map")
    format_version = head.get("format_version")
    if isinstance(format_version, int) and format_version > FORMAT_VERSION:
        raise MapVersionUnsupported(
            f"{path} is of map format {format_version}; this release reads up to {FORMAT_VERSION}: update Placefix, or "
            "build the map again with this release"
        )
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise MapCorrupt(f"{path} is damaged: {_first_of(error)}; restore it, or build the map again") from error


def _first_of(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
