"""The query path after decoding: encode, shortlist, gather, re-rank.

The one localizer behind the HTTP service and ``placefix localize``. It gives the same ranking as
``model.retrieval.retrieve`` on the same features, without holding the map in memory.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.encoder import Encoder
from model.errors import InvalidInput
from model.features import Features
from model.geo import LatLon
from model.matching import MatchingPrecision, count_mutual_matches, counts_hundreds_a_second, matcher_name
from place_map.reader import PlaceMap
from place_map.searching import Searcher
from service.errors import DeadlineExceeded
from service.stages import Stage, StageClock

Status = Literal["localized", "no_candidates"]

MAX_SHORTLIST = 1000
DEFAULT_CANDIDATES = 10
DEFAULT_SHORTLIST = 100
DEFAULT_SHORTLIST_SLOW = 20  # where there is neither a GPU nor a kernel for the CPU, or matching is exact
DEFAULT_PRECISION: MatchingPrecision = "fast"

# Local features are gathered and compared this many candidates at a time: 61 MB of float16 at 61 × 61 × 128. A
# shortlist of 1000 would otherwise need 950 MB, and could not be given up half way once nobody waits for it. While some
# are compared, the system fetches the next ones from the disk.
_GATHER_ROWS = 64


@dataclass(frozen=True)
class QueryOptions:
    """What a query asks for.

    Attributes:
        candidates: How many to return; at most ``shortlist``.
        shortlist: How many of the nearest global features are looked at; at most 1000.
        rerank: Whether they are re-ranked by mutual matches.

    Raises:
        InvalidInput: A number is out of its range.
    """

    candidates: int
    shortlist: int
    rerank: bool

    def __post_init__(self) -> None:
        if not 1 <= self.shortlist <= MAX_SHORTLIST:
            raise InvalidInput(f"shortlist must be between 1 and {MAX_SHORTLIST}, not {self.shortlist}")
        if not 1 <= self.candidates <= self.shortlist:
            raise InvalidInput(
                f"candidates must be between 1 and shortlist, which is {self.shortlist}, not {self.candidates}"
            )


@dataclass(frozen=True)
class QueryDefaults:
    """What a query gets that does not say.

    Attributes:
        candidates: How many candidates to return.
        shortlist: How many to re-rank.
        rerank: Whether to re-rank at all.
    """

    candidates: int
    shortlist: int
    rerank: bool

    @classmethod
    def for_encoder(
        cls,
        encoder: Encoder,
        *,
        matching_precision: MatchingPrecision = DEFAULT_PRECISION,
        candidates: int = DEFAULT_CANDIDATES,
        shortlist: int | None = None,
        rerank: bool | None = None,
    ) -> "QueryDefaults":
        """The defaults for a network on its device, where the settings leave them open.

        Re-ranking with an untrained network is noise, so it is off unless asked for; without local features it changes
        nothing.
        """
        if shortlist is None:
            is_quick = counts_hundreds_a_second(encoder.device, encoder.local_dim, matching_precision)
            shortlist = DEFAULT_SHORTLIST if is_quick else DEFAULT_SHORTLIST_SLOW
        return cls(
            candidates=candidates,
            shortlist=shortlist,
            rerank=(encoder.is_trained and encoder.local_dim > 0) if rerank is None else rerank,
        )

    def options(
        self, candidates: int | None = None, shortlist: int | None = None, *, rerank: bool | None = None
    ) -> QueryOptions:
        """Fills in what a query leaves open, so that one number given never contradicts the default of the other.

        Raises:
            InvalidInput: A number is out of its range, or both are given and do not go together.
        """
        if shortlist is None:
            shortlist = max(self.shortlist, candidates or self.candidates)
        if candidates is None:
            candidates = min(self.candidates, shortlist)
        return QueryOptions(candidates, shortlist, self.rerank if rerank is None else rerank)


@dataclass(frozen=True)
class Candidate:
    """A picture of the map that may show the place of the query, with the evidence.

    Attributes:
        row: Its row in the map.
        id: Its id in the collection.
        position: Where it was taken.
        heading_deg: Where its camera looked to, clockwise from true north; None if unknown.
        mutual_matches: Mutual nearest neighbours of local features; None if not re-ranked.
        global_distance: Euclidean distance of the global features, in [0, 2].
    """

    row: int
    id: str
    position: LatLon
    heading_deg: float | None
    mutual_matches: int | None
    global_distance: float


@dataclass(frozen=True)
class Localization:
    """The answer to a query.

    Attributes:
        status: ``localized``, or ``no_candidates`` if the map is empty.
        position: Where the best candidate was taken; None without candidates.
        candidates: Best first.
        map_name: The map that answered.
        map_version: Its version.
        seconds: How long each stage took; a stage that did not run is absent.
        gathered_bytes: Of local features, read from the map to re-rank.
    """

    status: Status
    position: LatLon | None
    candidates: tuple[Candidate, ...]
    map_name: str
    map_version: str
    seconds: Mapping[Stage, float]
    gathered_bytes: int


@dataclass(frozen=True)
class EncodedQuery:
    """The features of one query, and how long the batch took that it was encoded in.

    Attributes:
        features: Of one picture, on the encoder's device.
        duration_s: Seconds of the whole batch.
    """

    features: Features
    duration_s: float


def encode_queries(encoder: Encoder, images: Tensor) -> list[EncodedQuery]:
    """Encodes a batch of queries.

    Args:
        encoder: The network.
        images: ``(B, 3, H, W)`` float32 (``model.preprocess.preprocess``).

    Raises:
        ModelOutputInvalid: The network produced NaN or infinity for one of them.
    """
    start = time.perf_counter()
    features = encoder.encode(images)
    duration_s = time.perf_counter() - start
    return [EncodedQuery(features[row : row + 1], duration_s) for row in range(len(features))]


def _always_wanted() -> bool:
    return True


class Localizer:
    """Finds queries in one version of one map. One thread uses it: the one that owns the device.

    Attributes:
        encoder: The network that the map was built with.
        place_map: The map.
        preparation: How a picture becomes a query of this map.
        searcher: The shortlist index of the map.
        matching_precision: Of the products in matching.
        match_floor: The cosine below which two local features are no match; None if all of them may be.
        matcher: What counts mutual matches, and in which numbers.
    """

    def __init__(
        self,
        encoder: Encoder,
        place_map: PlaceMap,
        searcher: Searcher,
        matching_precision: MatchingPrecision = DEFAULT_PRECISION,
        match_floor: float | None = None,
    ) -> None:
        """Put together what is open.

        Args:
            encoder: The network that the map was built with.
            place_map: The map.
            searcher: Of its index.
            matching_precision: Of the products in matching.
            match_floor: The least cosine of a match; by default the map's.

        Raises:
            NetworkMismatch: The map was built with another network.
        """
        place_map.check_network(encoder)
        self.encoder = encoder
        self.place_map = place_map
        self.preparation = place_map.manifest.preparation
        self.searcher = searcher
        self.matching_precision: MatchingPrecision = matching_precision
        self.match_floor = place_map.manifest.features.match_floor if match_floor is None else match_floor
        self.matcher = matcher_name(encoder.device, encoder.local_dim, matching_precision)
        self._gathered: Tensor | None = None  # reused from query to query; pinned for a GPU

    def localize(
        self, query: EncodedQuery, options: QueryOptions, is_wanted: Callable[[], bool] = _always_wanted
    ) -> Localization:
        """Finds one query in the map.

        Args:
            query: Features of the picture, from ``encode_queries`` with this localizer's encoder.
            options: What to look for.
            is_wanted: Asked from time to time; once it says no, the query is given up.

        Raises:
            DeadlineExceeded: Given up.
        """
        clock = StageClock()
        clock.add(Stage.ENCODE, query.duration_s)
        with clock.measure(Stage.SHORTLIST), torch.inference_mode():
            found = self.searcher.search(
                query.features.global_features, options.shortlist if options.rerank else options.candidates
            )
            rows, distances = found.rows[0], found.distances[0]
        counts: NDArray[np.int64] | None = None
        gathered_bytes = 0
        if options.rerank and len(rows):
            shapes = self.place_map.manifest.features
            gathered_bytes = len(rows) * shapes.local_codec.bytes_per_picture(shapes.local_count)
            counts = self._count_mutual_matches(query.features.local_features[0], rows, clock, is_wanted)
            order = np.argsort(-counts, kind="stable")  # equal counts keep the order of the global distance
            rows, distances, counts = rows[order], distances[order], counts[order]
        candidates = tuple(
            self._candidate(int(rows[rank]), float(distances[rank]), None if counts is None else int(counts[rank]))
            for rank in range(min(options.candidates, len(rows)))
        )
        return Localization(
            status="localized" if candidates else "no_candidates",
            position=candidates[0].position if candidates else None,
            candidates=candidates,
            map_name=self.place_map.name,
            map_version=self.place_map.version,
            seconds=clock.seconds,
            gathered_bytes=gathered_bytes,
        )

    def close(self) -> None:
        """Lets the files and the index go. On the thread that owns the device, whose memory is freed here."""
        self.place_map.close()
        self._gathered = None
        del self.searcher

    @torch.inference_mode()
    def _count_mutual_matches(
        self, query: Tensor, rows: NDArray[np.int64], clock: StageClock, is_wanted: Callable[[], bool]
    ) -> NDArray[np.int64]:
        """Mutual matches of a query ``(L, C)`` with the pictures of ``rows`` ``(k,)``, as ``(k,)``."""
        counts = np.empty(len(rows), dtype=np.int64)
        for start in range(0, len(rows), _GATHER_ROWS):
            if not is_wanted():
                raise DeadlineExceeded("nobody waits for this query any more; it was given up during re-ranking")
            chunk = slice(start, start + _GATHER_ROWS)
            with clock.measure(Stage.GATHER):
                candidates = self._gather(rows[chunk])
                self.place_map.announce(rows[chunk.stop : chunk.stop + _GATHER_ROWS])
            with clock.measure(Stage.RERANK):
                found = count_mutual_matches(
                    query, candidates, precision=self.matching_precision, floor=self.match_floor
                )
                counts[chunk] = found.cpu().numpy()
        return counts

    def _gather(self, rows: NDArray[np.int64]) -> Tensor:
        """Local features ``(k, N, C)`` on the encoder's device; valid until the next call."""
        if self._gathered is None:
            shapes = self.place_map.manifest.features
            self._gathered = torch.empty(
                (min(_GATHER_ROWS, len(self.place_map)), shapes.local_count, shapes.local_dim),
                dtype=self.place_map.local_type,
                pin_memory=self.encoder.device.type == "cuda",
            )
        return self.place_map.local_features(rows, out=self._gathered).to(self.encoder.device)

    def _candidate(self, row: int, global_distance: float, mutual_matches: int | None) -> Candidate:
        place = self.place_map.places[row]
        return Candidate(
            row=row,
            id=place.id,
            position=place.position,
            heading_deg=place.heading_deg,
            mutual_matches=mutual_matches,
            global_distance=global_distance,
        )
