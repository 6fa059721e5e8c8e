"""The options of a build."""

from dataclasses import dataclass

from model.errors import InvalidInput
from model.images import DEFAULT_LIMITS, ImageLimits
from place_map.local_codec import StoreType

_SMALLEST_SEGMENT = 256
_LARGEST_SEGMENT = 16_384  # 8 GB with ViT-L; an interruption loses at most one, and shards have whole ones
_FEW_SEGMENTS = 256


@dataclass(frozen=True)
class BuildOptions:
    """Hold the options of a build.

    Attributes:
        batch_size: Pictures in one forward pass.
        segment_size: Pictures of the source in one segment; an interrupted build loses at most one segment. None
            chooses 256. For collections of more than 65,536 pictures it chooses more, up to 16,384, so that there are
            at most 256 segments as long as that suffices.
        max_rejected: Share of all pictures found that may be unreadable.
        thumbnails: Whether small JPEGs are kept for evidence.
        index: A string of faiss's ``index_factory``, or ``auto``, which chooses by the size of the collection.
        store: The type of the stored local features. With float32 the global features are exact, too: for evaluations.
        match_floor: The cosine below which two local features do not match; None takes the network's.
        reranker: The name of the re-ranker; None takes the re-ranker of the network's method.
        limits: The limits on pictures; pictures outside them are rejected.

    Raises:
        InvalidInput: A value is out of range.
    """

    batch_size: int = 16
    segment_size: int | None = None
    max_rejected: float = 0.05
    thumbnails: bool = True
    index: str = "Flat"
    store: StoreType = "int8"
    match_floor: float | None = None
    reranker: str | None = None
    limits: ImageLimits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        if self.batch_size < 1 or (self.segment_size is not None and self.segment_size < 1):
            raise InvalidInput("batch size and segment size must be at least 1")
        if not 0 <= self.max_rejected <= 1:
            raise InvalidInput(f"the share of pictures that may be rejected is {self.max_rejected}, not in [0, 1]")
        if self.match_floor is not None and not -1 <= self.match_floor <= 1:
            raise InvalidInput(f"a match floor is a cosine, from -1 to 1, not {self.match_floor}")

    def segment_size_for(self, pictures: int) -> int:
        """Return the segment size for a number of pictures."""
        if self.segment_size is not None:
            return self.segment_size
        size = _SMALLEST_SEGMENT
        while size < _LARGEST_SEGMENT and size * _FEW_SEGMENTS < pictures:
            size *= 2
        return size
