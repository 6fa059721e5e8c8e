"""Take the query path after decoding: encode, shortlist, gather, re-rank, judge.

The HTTP service, ``placefix localize``, evaluation and calibration use this one localizer. It gives the same ranking
as ``model.retrieval.retrieve`` on the same features, without holding the map in memory.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.encoder import Encoder
from model.errors import InvalidInput
from model.matching import MatchingPrecision, matcher_name
from model.rerankers.reranker import LocalFeatures, Reranker
from place_map.calibration import DEFAULT_WITHIN_M, Judgement
from place_map.evidence import Evidence, Ranking
from place_map.proposals import NO_ROWS
from place_map.reader import PlaceMap
from place_map.searching import Searcher
from service.comparer import Comparer
from service.encoded_query import EncodedQuery
from service.localization import Candidate, Localization, Matches, Verdict
from service.matches import MatchedCells, rival_rank
from service.query_options import DEFAULT_PRECISION, QueryOptions
from service.rounds import count_ahead
from service.shortlist import Shortlist, find_shortlist
from service.stages import Stage, StageClock
from service.words import MATCHED_FIRST, EvidenceWord, Rerank


def _always_wanted() -> bool:
    return True


class Localizer:
    """Find queries in one version of one map. One thread uses it: the one that owns the device.

    Three steps look at features: ``shortlist``, ``compare`` and ``match``. The others need only the table of
    places and the calibration.

    Attributes:
        most_rounds: The most calls of ``compare`` for a query; None for one at each stop.
        encoder: The network that the map was built with.
        place_map: The map.
        preparation: The way in which a picture becomes a query of this map.
        searcher: The shortlist index of the map.
        comparer: The comparison by stored local features; None for a network without local features.
        matching_precision: The precision of the products in matching.
        within_m: The distance within which candidates show the same place.
    """

    most_rounds: ClassVar[int | None] = None

    def __init__(
        self,
        encoder: Encoder,
        place_map: PlaceMap,
        searcher: Searcher,
        matching_precision: MatchingPrecision = DEFAULT_PRECISION,
    ) -> None:
        """Combine parts that are open.

        Args:
            encoder: The network that the map was built with.
            place_map: The map.
            searcher: The searcher of its index.
            matching_precision: The precision of the products in matching.

        Raises:
            NetworkMismatch: The map was built with another network.
        """
        place_map.check_network(encoder)
        self.encoder = encoder
        self.place_map = place_map
        self.preparation = place_map.manifest.preparation
        self.searcher = searcher
        self.matching_precision: MatchingPrecision = matching_precision
        features = place_map.manifest.features
        self.comparer = Comparer(place_map, encoder, matching_precision) if features.local_dim else None
        self.within_m = DEFAULT_WITHIN_M if place_map.calibration is None else place_map.calibration.within_m

    @property
    def reranker(self) -> Reranker | None:
        """Return the re-ranker of the map; None for a network without local features."""
        return None if self.comparer is None else self.comparer.reranker

    @property
    def without_matches(self) -> str | None:
        """Return why no photo has matches as evidence; None if photos have them."""
        if self.reranker is None:
            return f"the network of the family {self.encoder.family} has no local features"
        return self.reranker.without_pairs

    @property
    def matcher(self) -> str:
        """Return the instructions and numbers that compare local features."""
        if self.reranker is None:
            return matcher_name(self.encoder.device, self.encoder.local_dim, self.matching_precision)
        return self.reranker.matcher

    def check_ready(self) -> None:
        """Pass: all parts are here."""

    def rerank_for(self, asked: Rerank) -> Rerank:
        """Return how a query is re-ranked here.

        A network without local features cannot re-rank. Re-ranking with an untrained network is noise, so ``auto`` does
        not re-rank then. Without a calibration there is no sign to stop, and scores that depend on the other candidates
        have none.
        """
        if self.reranker is None:
            return "never"
        if asked != "auto":
            return asked
        if not self.encoder.is_trained:
            return "never"
        calibration = self.place_map.calibration
        can_stop = calibration is not None and calibration.auto is not None and not self.reranker.is_listwise
        return "auto" if can_stop else "always"

    def localize(
        self,
        query: EncodedQuery,
        options: QueryOptions,
        is_wanted: Callable[[], bool] = _always_wanted,
        *,
        without: NDArray[np.int64] = NO_ROWS,
    ) -> Localization:
        """Find one query in the map.

        Args:
            query: The features of the picture, encoded by this localizer's encoder, or stored in the map.
            options: The options of the query.
            is_wanted: A function that is asked from time to time; once it says no, the query stops.
            without: ``(m,)`` rows that may not be the answer, as if the map did not have them.

        Raises:
            DeadlineExceeded: The query was stopped.
        """
        clock = StageClock()
        clock.add(Stage.ENCODE, query.duration_s)
        with clock.measure(Stage.SHORTLIST):
            shortlist = self.shortlist(query.features.global_features, options, without, is_wanted).ranking
        candidates: tuple[Candidate, ...] = ()
        verdict, compared, ranking, matches, heat = Verdict("no_candidates"), 0, None, None, None
        if shortlist.answers:
            # Projected when they are first compared: ``rerank=auto`` may compare none.
            local_features = cache(lambda: self._needed_comparer().project(query.local_features))
            ranking, verdict = self._rerank(local_features, shortlist, options, clock, is_wanted)
            candidates = Candidate.first(self.place_map, ranking, options.candidates)
            compared = len(ranking.scores)
            if options.evidence == "matches":
                with clock.measure(Stage.EVIDENCE):
                    matches = self._match(local_features, ranking, len(candidates), is_wanted)
        if options.evidence == "heat" and query.image is not None:
            with clock.measure(Stage.EVIDENCE):
                shares = self.encoder.shares(query.image)
                heat = None if shares is None else shares.numpy()
        shapes = self.place_map.manifest.features
        return Localization(
            verdict=verdict,
            position=candidates[0].position if verdict.has_position else None,
            candidates=candidates,
            map_name=self.place_map.name,
            map_version=self.place_map.version,
            seconds=clock.seconds,
            gathered_bytes=compared * shapes.local_codec.bytes_per_picture(shapes.local_count),
            reranker=shapes.reranker,
            ranking=ranking,
            matches=matches,
            heat=heat,
            without_evidence=self._without(options.evidence) if matches is None and heat is None else None,
        )

    @torch.inference_mode()
    def shortlist(
        self, query: Tensor, options: QueryOptions, without: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> Shortlist:
        """Find the candidates by their global features, with exact distances.

        Args:
            query: ``(1, D)`` global features of one picture, on any device.
            options: The number of candidates, and the prior.
            without: ``(m,)`` rows that may not be the answer.
            is_wanted: A function that tells whether somebody still waits for the query.

        Raises:
            DeadlineExceeded: Nobody waits for the query any more.
        """
        return find_shortlist(self.searcher, self.place_map, query, options, without, is_wanted)

    @torch.inference_mode()
    def compare(
        self, query: LocalFeatures, rows: NDArray[np.int64], is_wanted: Callable[[], bool], clock: StageClock
    ) -> NDArray[np.float64]:
        """Compare a query with some pictures by the map's re-ranker.

        Args:
            query: The local features of one picture, on the encoder's device.
            rows: ``(k,)`` rows of the pictures, in any order.
            is_wanted: A function that tells whether somebody still waits for the query.
            clock: The clock that adds up the durations.

        Returns:
            ``(k, parts)`` of ``Reranker.compare``, in the order of the rows.

        Raises:
            InvalidInput: The network has no local features.
            DeadlineExceeded: Nobody waits for the query any more.
        """
        return self._needed_comparer().compare(query, rows, is_wanted, clock)

    @torch.inference_mode()
    def match(
        self, query: LocalFeatures, rows: NDArray[np.int64], is_wanted: Callable[[], bool]
    ) -> list[MatchedCells] | None:
        """Choose the most similar pairs of cells of a query and some pictures.

        Args:
            query: The local features of one picture, on the encoder's device.
            rows: ``(k,)`` rows of the pictures, in any order.
            is_wanted: A function that tells whether somebody still waits for the query.

        Returns:
            The pairs, in the order of the rows; None if the re-ranker does not compare by pairs of cells.

        Raises:
            InvalidInput: The network has no local features.
            DeadlineExceeded: Nobody waits for the query any more.
        """
        return self._needed_comparer().match(query, rows, is_wanted)

    def judge(self, ranking: Ranking, options: QueryOptions) -> tuple[Evidence, Judgement | None]:
        """Weigh the evidence for the first candidate of a ranking; no judgement if its meaning is unknown."""
        evidence = Evidence.of(ranking, self.place_map.places, self.within_m)
        calibration, is_auto = self.place_map.calibration, self.rerank_for(options.rerank) == "auto"
        return evidence, None if calibration is None else calibration.judge(evidence, is_auto=is_auto)

    def stored_query(self, row: int) -> EncodedQuery:
        """Return a picture of the map as a query; it finds itself first, unless ``localize`` leaves its row out."""
        return EncodedQuery.stored(self.place_map, row, self.encoder.device)

    def close(self) -> None:
        """Close the files and the index; call it on the thread that owns the device, whose memory is freed here."""
        self.place_map.close()
        del self.searcher, self.comparer

    def _rerank(
        self,
        query: Callable[[], LocalFeatures],
        shortlist: Ranking,
        options: QueryOptions,
        clock: StageClock,
        is_wanted: Callable[[], bool],
    ) -> tuple[Ranking, Verdict]:
        """Compare a query with as much of the shortlist as needed, and judge the first candidate."""
        rows, parts, scores = shortlist.rows, None, shortlist.scores
        stops = self._stops(self.rerank_for(options.rerank), len(rows))
        for compared, ahead in zip(stops, count_ahead(stops, self.most_rounds or len(stops)), strict=True):
            done = 0 if parts is None else len(parts)
            if ahead > done:
                with clock.measure(Stage.RERANK):
                    local_features = query()
                more = self.compare(local_features, rows[done:ahead], is_wanted, clock)
                parts = more if parts is None else np.concatenate([parts, more])
            if parts is not None:
                scores = self._needed_comparer().reranker.scores(parts[:compared])
            ranking = Ranking.of(rows, shortlist.distances, scores, shortlist.rivals)
            evidence, judgement = self.judge(ranking, options)
            if judgement is not None and judgement.is_sure:
                break
        return ranking, Verdict.of(evidence, judgement, options)

    def _match(
        self, query: Callable[[], LocalFeatures], ranking: Ranking, candidates: int, is_wanted: Callable[[], bool]
    ) -> Matches | None:
        """Match a query with the first candidates, whether they were compared or not.

        Returns:
            The matches; None if the network has no local features, or the re-ranker does not compare by pairs of cells.
        """
        if self.reranker is None:
            return None
        rival = rival_rank(ranking, self.place_map.places, self.within_m)
        ranks = sorted({*range(min(candidates, MATCHED_FIRST)), *(() if rival is None else (rival,))})
        found = self.match(query(), ranking.rows[ranks], is_wanted)
        if found is None:
            return None
        candidates_at = (Candidate.at(self.place_map, ranking, rank) for rank in ranks)
        return Matches.of(self.encoder.cells, zip(candidates_at, ranks, found, strict=True), self.within_m)

    def _without(self, evidence: EvidenceWord | None) -> str | None:
        """Return the reason why an answer lacks the evidence that was asked for; None if none was."""
        if evidence == "matches":
            return self.without_matches or "no picture of the map may be the answer"
        if evidence == "heat":
            return f"the global feature of a network of the family {self.encoder.family} is not a mean over the photo"
        return None

    def _stops(self, mode: Rerank, count: int) -> Sequence[int]:
        """Return ascending numbers of compared candidates after which evidence is weighed; the last one is the end."""
        if mode == "never":
            return (0,)
        calibration = self.place_map.calibration
        return (count,) if mode == "always" or calibration is None else calibration.stops(count)

    def _needed_comparer(self) -> Comparer:
        """Return the comparison by local features.

        Raises:
            InvalidInput: The network has no local features.
        """
        if self.comparer is None:
            raise InvalidInput(f"the network of the map {self.place_map.name} has no local features to compare")
        return self.comparer
