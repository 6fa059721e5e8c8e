"""One answer for several photos that were asked together, from what was found for each."""

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
    """What a photo says for the answer.

    Attributes:
        ranking: Of the photo.
        rank: Of its candidate for the answer.
        evidence: For that candidate.
        judgement: On that evidence; None where nobody knows.
    """

    ranking: Ranking
    rank: int
    evidence: Evidence
    judgement: Judgement | None

    @property
    def confidence(self) -> float:
        """How sure the photo is; 0 where nobody knows."""
        return 0.0 if self.judgement is None else self.judgement.confidence


@dataclass(frozen=True)
class _Answer:
    """What all photos say.

    Attributes:
        parts: For each photo; None for one that does not speak for the answer.
        lead: The part whose evidence is shown.
        candidates: Best first.
    """

    parts: Sequence[_Part | None]
    lead: _Part
    candidates: tuple[Candidate, ...]


def fuse(
    localizer: Localizer, found: Sequence[Localization], together: Together, options: QueryOptions
) -> Localization:
    """Make one answer of what was found for several photos.

    The position is that of the best candidate of the place that most voices are for; of a sequence, that of the last
    photo that is on the likeliest path. The confidence is ``service.together.common_confidence``; and where one photo
    alone would not say that the place is not in the map, several do not say so either.

    Args:
        localizer: That has found them; it is only read, on any thread.
        found: For each photo, in their order.
        together: How they belong together.
        options: What they ask for.

    Returns:
        With the seconds of all photos; of encoding the longest, because photos are encoded together.
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
        photos=tuple(
            _told(localizer, alone, part) for alone, part in zip(found, parts or [None] * len(found), strict=True)
        ),
    )


def _find_place(localizer: Localizer, rankings: Sequence[Ranking | None], options: QueryOptions) -> _Answer:
    """Find the place of all photos; the surest of them leads."""
    known = [ranking for ranking in rankings if ranking is not None]
    rows = best_place(known, localizer.place_map.places, localizer.within_m)
    parts = [_weigh(localizer, each, _rank_at(localizer, each, int(rows[0])), options) for each in rankings]
    lead = max(filter(None, parts), key=lambda part: (part.confidence, voices(part.ranking)[part.rank]))
    # Row → the photo that speaks loudest for it, with its voice and the rank there.
    loudest: dict[int, tuple[float, Ranking, int]] = {}
    for ranking in known:
        for rank, (row, voice) in enumerate(zip(ranking.rows.tolist(), voices(ranking).tolist(), strict=False)):
            if row not in loudest or voice > loudest[row][0]:
                loudest[row] = voice, ranking, rank
    chosen = rows[: options.candidates].tolist()
    return _Answer(parts, lead, tuple(localizer.candidate(*loudest[row][1:]) for row in chosen))


def _find_path(
    localizer: Localizer,
    rankings: Sequence[Ranking | None],
    times_s: Sequence[float] | None,
    options: QueryOptions,
) -> _Answer:
    """Find the path of all photos; the last one that is on it leads."""
    places = localizer.place_map.places
    stands = [Stand.of(ranking, places) for ranking in rankings]
    path = best_path(stands, reaches_m(len(stands), places.spacing_m, localizer.within_m, times_s))
    ranks = [None if each is None else int(stand.ranks[each]) for stand, each in zip(stands, path, strict=True)]
    parts = [_weigh(localizer, ranking, rank, options) for ranking, rank in zip(rankings, ranks, strict=True)]
    lead = list(filter(None, parts))[-1]
    return _Answer(parts, lead, localizer.candidates(lead.ranking.led_by(lead.rank), options.candidates))


def _rank_at(localizer: Localizer, ranking: Ranking | None, row: int) -> int | None:
    """Return the candidate that speaks loudest for the place of a row; None if none has a voice."""
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
    """Return what all photos are worth together; nobody knows where nobody knows it of any photo."""
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
    return PhotoPart(localizer.candidate(part.ranking, part.rank), part.rank, part.evidence, confidence)


def _add_up(of_photos: Iterable[Mapping[Stage, float]]) -> Mapping[Stage, float]:
    total: dict[Stage, float] = {}
    for seconds in of_photos:
        for stage, duration_s in seconds.items():
            so_far_s = total.get(stage, 0.0)
            total[stage] = max(so_far_s, duration_s) if stage is Stage.ENCODE else so_far_s + duration_s
    return total
