"""The manifest of a version: what belongs to it, how large each file is, and its SHA-256 sum.

Faiss and numpy files do not check themselves: with flipped bits they load and answer. So the manifest's sums decide;
its own sum stands in ``CURRENT``. Every field is described in docs/map_format.md.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, NonNegativeInt, PositiveInt, ValidationError, field_validator, model_validator

from model.network import Network
from model.network_precision import NetworkPrecision
from model.preprocess import IMAGENET_MEAN, IMAGENET_STD, Filter, Preparation, Preprocessing
from place_map import layout
from place_map.errors import MapCorrupt, MapVersionUnsupported
from place_map.feature_store import FloatType, bytes_per_value
from place_map.file_sum import FileSum
from place_map.local_codec import LocalCodec, StoreType
from place_map.manifest_part import ManifestPart, Number, Sha256
from place_map.segment import Segment

FORMAT: Literal["placefix-map"] = "placefix-map"
FORMAT_VERSION: Literal[6] = 6


class NetworkInput(ManifestPart):
    """What the network sees of a picture; see ``model.preprocess.Preparation``. The defaults are those of all maps
    from before format 5.

    Attributes:
        height: Pixels.
        width: Pixels.
        mean: Subtracted from each channel, in the range 0 to 1.
        std: Each channel is divided by it after that.
        filter: How pixels are interpolated.
    """

    height: PositiveInt = 224
    width: PositiveInt = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    filter: Filter = "bilinear"


class NetworkIdentity(ManifestPart):
    """The network that made the features.

    Attributes:
        family: See ``model.families``. Maps from before format 5 do not say: ``selavpr``.
        fingerprint: ``model.fingerprint.fingerprint``.
        is_trained: Whether re-ranking with it means anything.
        config: Its shape, as ``NetworkConfig.to_dict`` gives it.
        input: What it sees of a picture.
        weights_path: Where the file lay on the machine that built the map: a hint, checked by the fingerprint.
        precision: In which arithmetic it computed. Maps from before there was a choice do not say: float32.
    """

    family: str = "selavpr"
    fingerprint: Sha256
    is_trained: bool
    config: dict[str, Any]
    input: NetworkInput = NetworkInput()
    weights_path: str | None
    precision: NetworkPrecision = "float32"


class FeatureShapes(ManifestPart):
    """Widths and types of the stored features. A network without local features has a grid of (0, 0).

    Attributes:
        global_dim: D.
        local_grid: Height and width of the grid of local features.
        local_dim: C.
        dtype: Type of the global features.
        local_store: What the local features are stored as; None in maps of format 1, where it is ``dtype``.
        match_floor: The cosine below which two local features are no match; None if all of them may be.
    """

    global_dim: PositiveInt
    local_grid: tuple[NonNegativeInt, NonNegativeInt]
    local_dim: NonNegativeInt
    dtype: FloatType
    local_store: StoreType | None = None
    match_floor: Annotated[float, Field(ge=-1, le=1)] | None = None

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


class Counts(ManifestPart):
    """What became of the pictures of the source."""

    placed: PositiveInt
    skipped: NonNegativeInt
    rejected: NonNegativeInt


class SourceHint(ManifestPart):
    """Where pictures came from: for ``placefix update``, and a hint for ``placefix verify --weights``.

    Attributes:
        kind: ``SourceListing.kind``.
        path: Absolute, on the machine that read it.
        prefix: What the ids of its pictures begin with, in front of what the source calls them.
        reading: The options by which it was read, all but those that were left at their defaults.
    """

    kind: str
    path: str
    prefix: str = ""
    reading: dict[str, JsonValue] = Field(default_factory=dict)


ChangeKind = Literal["build", "add", "remove", "update", "compact", "calibrate"]


class Change(ManifestPart):
    """How a version came to be: which pictures it has that the one before had not, and the other way round.

    Attributes:
        kind: The command.
        added: Pictures that are new.
        removed: Pictures that are gone.
        replaced: Pictures that are there as before, but with other content or another position.
        request_sha256: Digest of the request: the same command given again is known by it. None in versions that were
            written before there was one.
    """

    kind: ChangeKind
    added: NonNegativeInt = 0
    removed: NonNegativeInt = 0
    replaced: NonNegativeInt = 0
    request_sha256: Sha256 | None = None


class IndexFile(ManifestPart):
    """The shortlist index over the live rows, in the order of segments and rows.

    Attributes:
        factory: What it is, as faiss's ``index_factory`` knows it.
        requested: What was asked for: the same, or ``auto``, which chooses again when the map grows. None: the same.
        metric: Of its distances.
        file: Its size and sum.
    """

    factory: str
    requested: str | None = None
    metric: Literal["l2"] = "l2"
    file: FileSum


BUILT = Change(kind="build")


class Manifest(ManifestPart):
    """Everything about one version of a map.

    Attributes:
        parent: The version that it was made from; None for the first.
        change: What was done to that.
        next_segment: The first number that no segment of the map has ever had.
        sources: Where its pictures came from. Maps of format 1 and 2 have one, under the key ``source``.
        calibration: Size and sum of ``place_map.calibration``; None without one, as in all maps from before format 6.
    """

    format: Literal["placefix-map"] = FORMAT
    format_version: Literal[1, 2, 3, 4, 5, 6] = FORMAT_VERSION
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
    index: IndexFile
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
    def preparation(self) -> Preparation:
        """What became of the pictures of the map before the network saw them, and becomes of queries."""
        return Preparation(**self.network.input.model_dump(), preprocessing=self.preprocessing)

    def preparation_for(self, network: Network) -> Preparation:
        """Return how a network is to see pictures here: as the map says, or in its own way if it is of another family.

        The latter is refused with better words where the encoder is compared with the map.
        """
        return self.preparation if network.family == self.network.family else network.preparation()

    @property
    def files(self) -> dict[str, FileSum]:
        """Path below the map → size and sum, of every file but ``CURRENT``, the manifest itself and thumbnails."""
        version = PurePosixPath(layout.VERSIONS, self.version)
        found = {str(version / layout.INDEX): self.index.file, str(version / layout.LEFT_OUT): self.left_out}
        if self.calibration is not None:
            found[str(version / layout.CALIBRATION)] = self.calibration
        return found | self.files_of(self.segments)

    @staticmethod
    def files_of(segments: Iterable[Segment]) -> dict[str, FileSum]:
        """Return path below the map → size and sum, of the files of some segments, without thumbnails."""
        return {
            str(PurePosixPath(layout.SEGMENTS, segment.id, name)): file
            for segment in segments
            for name, file in segment.files.items()
        }

    @property
    def total_bytes(self) -> int:
        """Bytes of all files that the manifest knows, thumbnails included."""
        return sum(file.bytes for file in self.files.values()) + sum(
            segment.thumbnails.bytes for segment in self.segments
        )


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
    if format_version in (1, 2, 3):
        if format_version < 3 and "source" in head:  # the only one of its sources
            head["sources"] = [head.pop("source")]
        if head.get("preprocessing") == Preprocessing.ANTIALIAS:  # before any picture was decoded at a fraction
            head["preprocessing"] = Preprocessing.ANTIALIAS_WHOLE
        content = json.dumps(head).encode()
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise MapCorrupt(f"{path} is damaged: {_first_of(error)}; restore it, or build the map again") from error


def _first_of(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
