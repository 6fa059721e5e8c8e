"""The manifest of a version: its content, and the size and SHA-256 sum of each file.

Faiss and numpy files do not check themselves: with flipped bits they load and answer. Therefore the manifest has their
sums; ``CURRENT`` has the sum of the manifest. docs/map_format.md describes every field.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, NonNegativeInt, PositiveInt, field_validator, model_validator

from model.network import MUTUAL_MATCHES, Network
from model.network_precision import NetworkPrecision
from model.preprocess import IMAGENET_MEAN, IMAGENET_STD, Filter, Preparation, Preprocessing
from place_map import layout
from place_map.codebook_entry import CodebookEntry
from place_map.feature_store import FloatType, bytes_per_value
from place_map.file_sum import FileSum
from place_map.index_entry import IndexEntry
from place_map.local_codec import LEARNED, LocalCodec, StoreType
from place_map.manifest_part import ManifestPart, Number, Sha256
from place_map.segment import Segment

FORMAT: Literal["placefix-map"] = "placefix-map"
FORMAT_VERSION: Literal[8] = 8
_FORMAT_WITHOUT_INDEX_FILES = 7


class NetworkInput(ManifestPart):
    """Describe the input of the network; see ``model.preprocess.Preparation``. The defaults hold for maps from before
    format 5.

    Attributes:
        height: Height in pixels.
        width: Width in pixels.
        mean: The mean that is subtracted from each channel, in the range 0 to 1.
        std: The deviation by which each channel is then divided.
        filter: The interpolation of pixels.
    """

    height: PositiveInt = 224
    width: PositiveInt = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    filter: Filter = "bilinear"


class NetworkIdentity(ManifestPart):
    """Identify the network that made the features.

    Attributes:
        family: The name in ``model.families``; ``selavpr`` for maps from before format 5, which do not state it.
        fingerprint: The result of ``model.fingerprint.fingerprint``.
        is_trained: Whether the network is trained, so that re-ranking has a meaning.
        config: The shape of the network, from ``NetworkConfig.to_dict``.
        input: The input of the network.
        weights_path: The path of the file on the machine that built the map: a hint, checked by the fingerprint.
        precision: The arithmetic of the network; float32 for older maps, which do not state it.
        licence: The licence of the weights; None if they are not known by name, and for maps from before it was kept.
    """

    family: str = "selavpr"
    fingerprint: Sha256
    is_trained: bool
    config: dict[str, Any]
    input: NetworkInput = NetworkInput()
    weights_path: str | None
    precision: NetworkPrecision = "float32"
    licence: str | None = None


class FeatureShapes(ManifestPart):
    """Hold widths and types of the stored features; a network without local features has a grid of (0, 0).

    Attributes:
        global_dim: D.
        local_grid: Height and width of the grid of local features.
        local_dim: C.
        local_extras: E, the numbers beside each local feature (``place_map.local_codec``).
        dtype: The type of the global features.
        local_store: The stored form of the local features; None in maps of format 1, which store them as ``dtype``.
        match_floor: The least cosine of a match of two local features; None for no limit.
        reranker: The name of the re-ranker (``model.rerankers``); mutual matches for maps from before format 7.
        local_codebook: The codebook of the local features, for stores that learn one.
    """

    global_dim: PositiveInt
    local_grid: tuple[NonNegativeInt, NonNegativeInt]
    local_dim: NonNegativeInt
    local_extras: NonNegativeInt = 0
    dtype: FloatType
    local_store: StoreType | None = None
    match_floor: Annotated[float, Field(ge=-1, le=1)] | None = None
    reranker: str = MUTUAL_MATCHES
    local_codebook: CodebookEntry | None = None

    @model_validator(mode="after")
    def _fits_the_codebook(self) -> Self:
        if self.local_codebook is not None:
            if self.local_store not in LEARNED:
                raise ValueError(f"the store {self.local_store} has no codebook")
            self.local_codec  # noqa: B018  (decodes and checks it)
        return self

    @property
    def needs_codebook(self) -> bool:
        """Return whether a codebook has to be learned before features can be stored."""
        return self.local_store in LEARNED and self.local_codebook is None

    @property
    def local_codec(self) -> LocalCodec:
        """Return the codec that reads the local features."""
        codec = LocalCodec(self.local_store or self.dtype, self.local_dim, self.local_extras)
        if self.local_codebook is None:
            return codec
        return replace(codec, learned=self.local_codebook.codes(self.local_grid, codec.channels))

    @property
    def local_count(self) -> int:
        """Return the number N of local features of a picture."""
        return self.local_grid[0] * self.local_grid[1]

    @property
    def bytes_per_picture(self) -> int:
        """Return the bytes of the stored features of a picture."""
        local_bytes = self.local_codec.bytes_per_picture(self.local_count)
        return bytes_per_value(self.dtype) * self.global_dim + local_bytes


class Counts(ManifestPart):
    """Count the pictures of the source by outcome."""

    placed: PositiveInt
    skipped: NonNegativeInt
    rejected: NonNegativeInt


class SourceHint(ManifestPart):
    """Describe the origin of pictures, for ``placefix update``, and as a hint for ``placefix verify --weights``.

    Attributes:
        kind: ``SourceListing.kind``.
        path: The absolute path on the machine that read the source.
        prefix: The prefix of the ids of its pictures, before the names in the source.
        reading: The options of the reader that differ from their defaults.
    """

    kind: str
    path: str
    prefix: str = ""
    reading: dict[str, JsonValue] = Field(default_factory=dict)


ChangeKind = Literal["build", "add", "remove", "update", "compact", "calibrate"]


class Change(ManifestPart):
    """Describe how a version differs from the one before it.

    Attributes:
        kind: The command that made the version.
        added: The number of new pictures.
        removed: The number of removed pictures.
        replaced: The number of pictures with new content or a new position.
        request_sha256: Digest of the request, by which a repeated command is recognised; None in older versions.
    """

    kind: ChangeKind
    added: NonNegativeInt = 0
    removed: NonNegativeInt = 0
    replaced: NonNegativeInt = 0
    request_sha256: Sha256 | None = None


BUILT = Change(kind="build")


class Manifest(ManifestPart):
    """Describe one version of a map completely.

    Attributes:
        parent: The version from which it was made; None for the first.
        change: The difference from the parent.
        next_segment: The first number that was never the number of a segment of the map.
        sources: The sources of its pictures. Maps of format 1 and 2 have one, under the key ``source``.
        calibration: Size and sum of the file of ``place_map.calibration``; None if there is none, as in all maps from
            before format 6.
    """

    format: Literal["placefix-map"] = FORMAT
    format_version: Literal[1, 2, 3, 4, 5, 6, 7, 8] = FORMAT_VERSION
    version: Number
    parent: Number | None = None
    change: Change = BUILT
    next_segment: PositiveInt | None = None
    created_at: str
    created_by: dict[str, str]
    sources: Annotated[tuple[SourceHint, ...], Field(min_length=1)]
    network: NetworkIdentity
    preprocessing: Preprocessing
    features: FeatureShapes
    counts: Counts
    index: IndexEntry
    left_out: FileSum
    calibration: FileSum | None = None
    segments: Annotated[tuple[Segment, ...], Field(min_length=1)]

    @field_validator("created_at")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        datetime.fromisoformat(value)
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if any(segment.source >= len(self.sources) for segment in self.segments):
            raise ValueError(f"a segment comes from a source beyond the {len(self.sources)} that are listed")
        ids = [segment.id for segment in self.segments]
        if len(set(ids)) != len(ids):
            raise ValueError("a segment is listed twice")
        if self.format_version < _FORMAT_WITHOUT_INDEX_FILES and self.index.file is None:
            raise ValueError("the index has no file")
        if self.features.needs_codebook:
            raise ValueError(f"the store {self.features.local_store} has no codebook")
        if self.index.codes is not None and set(self.index.codes.segments) != set(ids):
            raise ValueError("the index has codes of other segments")
        live = sum(segment.live_rows for segment in self.segments)
        if live != self.counts.placed:
            raise ValueError(
                f"the segments have {live} live rows, but {self.counts.placed} pictures are counted as placed"
            )
        return self

    def to_json(self) -> bytes:
        """Return the bytes of the file."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    @property
    def preparation(self) -> Preparation:
        """Return the preparation of the map's pictures before the network, which also applies to queries."""
        return Preparation(**self.network.input.model_dump(), preprocessing=self.preprocessing)

    def preparation_for(self, network: Network) -> Preparation:
        """Return the preparation of pictures for a network: the map's, or the network's own if its family is another.

        ``PlaceMap.check_network`` refuses another family with a better message.
        """
        return self.preparation if network.family == self.network.family else network.preparation()

    @property
    def files(self) -> dict[str, FileSum]:
        """Return path below the map → size and sum, for all files but ``CURRENT``, this manifest, and thumbnails with a
        file each.
        """
        version = PurePosixPath(layout.VERSIONS, self.version)
        found = self.index.files(self.version) | {str(version / layout.LEFT_OUT): self.left_out}
        if self.calibration is not None:
            found[str(version / layout.CALIBRATION)] = self.calibration
        return found | self.files_of(self.segments)

    @staticmethod
    def files_of(segments: Iterable[Segment]) -> dict[str, FileSum]:
        """Return path below the map → size and sum, for the files of some segments, but for thumbnails with a file
        each.
        """
        return {
            str(PurePosixPath(layout.SEGMENTS, segment.id, name)): file
            for segment in segments
            for name, file in segment.files.items()
        }

    @property
    def total_bytes(self) -> int:
        """Return the bytes of all files that the manifest lists, including thumbnails."""
        return sum(file.bytes for file in self.files.values()) + sum(
            segment.loose_thumbnail_bytes for segment in self.segments
        )
