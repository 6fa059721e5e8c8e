"""Make one answer for several photos that were asked together, from the result of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from model.geo import distances_m
from place_map.calibration import Judgement
from place_map.evidence import Evidence, Ranking
from service.asked import Together
from service.localization import Candidate, Localization, PhotoPart, Verdict
from service.localizer import Localizer
from service.query_options import QueryOptions
from service.stages import Stage
from service.together import Stand, best_path, best_place, common_confidence, reaches_m, voices


@dataclass(frozen=True)
class _Part:
    """Hold the evidence of one photo for the common answer.

    Attributes:
        ranking: All candidates of the photo.
        rank: The rank of the candidate that supports the answer, from 0.
        evidence: The evidence for that candidate.
        judgement: The judgement on that evidence; None without a calibration for it.
    """

    ranking: Ranking
    rank: int
    evidence: Evidence
    judgement: Judgement | None

    @property
    def confidence(self) -> float:
        """Return the confidence of the photo; 0 without a judgement."""
        return 0.0 if self.judgement is None else self.judgement.confidence


@dataclass(frozen=True)
class _Answer:
    """Hold the common answer of all photos.

    Attributes:
        parts: One part for each photo; None for a photo that does not support the answer.
        lead: The part whose evidence the answer shows.
        candidates: The candidates, the best first.
    """

    parts: Sequence[_Part | None]
    lead: _Part
    candidates: tuple[Candidate, ...]


def fuse(
    localizer: Localizer, found: Sequence[Localization], together: Together, options: QueryOptions
) -> Localization:
    """Make one answer from the results of several photos.

    For photos of one place the answer is the best candidate of the place that gets the largest sum of shares. For a
    sequence it is the candidate that the likeliest path names for the last photo on it. The confidence is
    ``service.together.common_confidence``. If the surest photo alone is not ``not_found``, all together are not
    ``not_found`` either.

    Args:
        localizer: The localizer that found them. It is only read, so this may run on any thread.
        found: The answer to each photo alone, in the order of the photos.
        together: How the photos belong together.
        options: The options of the request.

    Returns:
        The answer. Its seconds are summed over the photos, except for encoding: it has the longest, because photos
        are encoded together.
    """
    rankings = [each.ranking for each in found]
    verdict, candidates, parts = Verdict("no_candidates"), tuple[Candidate, ...](), list[_Part | None]()
    if any(ranking is not None for ranking in rankings):
        if together.kind == "place":
            answer = _find_place(localizer, rankings, options)
        else:
            answer = _find_path(localizer, rankings, together.times_s, options)
        verdict = Verdict.of(answer.lead.evidence, _common_judgement(answer), options)
        candidates, parts = answer.candidates, list(answer.parts)
    return Localization(
        verdict=verdict,
        position=candidates[0].position if verdict.has_position else None,
        candidates=candidates,
        map_name=localizer.place_map.name,
        map_version=localizer.place_map.version,
        seconds=_add_up(each.seconds for each in found),
        gathered_bytes=sum(each.gathered_bytes for each in found),
        reranker=localizer.place_map.manifest.features.reranker,
        photos=tuple(
            _told(localizer, alone, part) for alone, part in zip(found, parts or [None] * len(found), strict=True)
        ),
    )


def _find_place(localizer: Localizer, rankings: Sequence[Ranking | None], options: QueryOptions) -> _Answer:
    """Find the place that the photos show; the surest photo leads."""
    known = [ranking for ranking in rankings if ranking is not None]
    rows = best_place(known, localizer.place_map.places, localizer.within_m)
    parts = [_weigh(localizer, each, _rank_at(localizer, each, int(rows[0])), options) for each in rankings]
    lead = max(filter(None, parts), key=lambda part: (part.confidence, voices(part.ranking)[part.rank]))
    # Row → the largest share that a photo gives to it, the ranking of that photo, and the rank of the row in it.
    loudest: dict[int, tuple[float, Ranking, int]] = {}
    for ranking in known:
        for rank, (row, voice) in enumerate(zip(ranking.rows.tolist(), voices(ranking).tolist(), strict=False)):
            if row not in loudest or voice > loudest[row][0]:
                loudest[row] = voice, ranking, rank
    chosen = rows[: options.candidates].tolist()
    candidates = (Candidate.at(localizer.place_map, *loudest[row][1:]) for row in chosen)
    return _Answer(parts, lead, tuple(candidates))


def _find_path(
    localizer: Localizer,
    rankings: Sequence[Ranking | None],
    times_s: Sequence[float] | None,
    options: QueryOptions,
) -> _Answer:
    """Find the path of the photos; the last photo on it leads."""
    places = localizer.place_map.places
    stands = [Stand.of(ranking, places) for ranking in rankings]
    path = best_path(stands, reaches_m(len(stands), places.spacing_m, localizer.within_m, times_s))
    ranks = [None if each is None else int(stand.ranks[each]) for stand, each in zip(stands, path, strict=True)]
    parts = [_weigh(localizer, ranking, rank, options) for ranking, rank in zip(rankings, ranks, strict=True)]
    lead = list(filter(None, parts))[-1]
    ranking = lead.ranking.led_by(lead.rank)
    return _Answer(parts, lead, Candidate.first(localizer.place_map, ranking, options.candidates))


def _rank_at(localizer: Localizer, ranking: Ranking | None, row: int) -> int | None:
    """Return the rank of a photo's loudest candidate at the place of a row; None if no candidate there has a voice."""
    if ranking is None:
        return None
    places, rows = localizer.place_map.places, ranking.rows[: ranking.answers]
    apart_m = distances_m(places[row].position, places.latitudes[rows], places.longitudes[rows])
    there = voices(ranking) * (apart_m <= localizer.within_m)
    return int(there.argmax()) if there.any() else None


def _weigh(localizer: Localizer, ranking: Ranking | None, rank: int | None, options: QueryOptions) -> _Part | None:
    if ranking is None or rank is None:
        return None
    return _Part(ranking, rank, *localizer.judge(ranking.led_by(rank), options))


def _common_judgement(answer: _Answer) -> Judgement | None:
    """Return the judgement on all photos together; None if there is none on any of them."""
    judged = [part.judgement for part in answer.parts if part is not None and part.judgement is not None]
    if not judged:
        return None
    surest = max(judged, key=lambda judgement: judgement.confidence)
    confidence = common_confidence([0.0 if part is None else part.confidence for part in answer.parts])
    least = min(surest.confidence, surest.scale.elsewhere_below)
    return replace(surest, confidence=max(confidence, least))


def _told(localizer: Localizer, alone: Localization, part: _Part | None) -> PhotoPart:
    if part is None:
        return PhotoPart(None, None, alone.verdict.evidence, None)
    confidence = None if part.judgement is None else part.judgement.confidence
    return PhotoPart(Candidate.at(localizer.place_map, part.ranking, part.rank), part.rank, part.evidence, confidence)


def _add_up(of_photos: Iterable[Mapping[Stage, float]]) -> Mapping[Stage, float]:
    total: dict[Stage, float] = {}
    for seconds in of_photos:
        for stage, duration_s in seconds.items():
            so_far_s = total.get(stage, 0.0)
            total[stage] = max(so_far_s, duration_s) if stage is Stage.ENCODE else so_far_s + duration_s
    return total
