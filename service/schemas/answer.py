"""Describe the answer: where a photo was taken, how sure that is, and why."""

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, ValidatorFunctionWrapHandler, WrapValidator

from service.schemas.candidate import CandidateAnswer, Position
from service.schemas.evidence import HeatAnswer, MatchesAnswer
from service.schemas.schema import VERSION, Schema
from service.words import Status

FROM_LATER_RELEASES = "from later releases"
"""Name the entry of a validation's context that accepts words that this release does not know."""


def _word(value: Any, known: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Let a word of a later release through, if the context asks for it: the contract says that more may come."""
    return value if isinstance(value, str) and info.context == FROM_LATER_RELEASES else known(value)


class MapVersion(Schema):
    """Name the map that answered, and its version."""

    name: Annotated[str, Field(description="Its name.", examples=["lund"])]
    version: Annotated[str, VERSION]


class Timings(Schema):
    """Hold the milliseconds that each stage took; 0 for a stage that was not needed."""

    decode: Annotated[float, Field(ge=0, description="From bytes to the network's input.", examples=[9.8])]
    queue: Annotated[float, Field(ge=0, description="Waiting for the device.", examples=[0.2])]
    encode: Annotated[float, Field(ge=0, description="The network, for the whole batch.", examples=[31.0])]
    shortlist: Annotated[float, Field(ge=0, description="Search of the global features.", examples=[0.6])]
    gather: Annotated[float, Field(ge=0, description="Reading the local features of the shortlist.", examples=[6.3])]
    rerank: Annotated[float, Field(ge=0, description="Comparing the local features of the shortlist.", examples=[58.1])]
    evidence: Annotated[
        float, Field(ge=0, description="Making the evidence that `evidence` asked for.", examples=[3.9])
    ]
    total: Annotated[
        float, Field(ge=0, description="From the last byte of the request to the answer.", examples=[107.4])
    ]


class Accuracy(Schema):
    """Say how far off the position may be."""

    radius_m: Annotated[float, Field(ge=0, description="Metres around the position.", examples=[8.5])]
    level: Annotated[
        float,
        Field(gt=0, lt=1, description="Share of answers like this one that lie so near to the truth.", examples=[0.95]),
    ]


class EvidenceAnswer(Schema):
    """Describe the evidence for the best candidate, and for the best one of another place."""

    compared: Annotated[
        int,
        Field(ge=0, description="Candidates whose local features were compared; 0 if not re-ranked.", examples=[20]),
    ]
    matches: Annotated[
        int | None,
        Field(
            ge=0,
            description="Mutual matches of the best candidate; null on a map with another re-ranker.",
            examples=[412],
        ),
    ]
    rival_matches: Annotated[
        int | None,
        Field(
            ge=0,
            description="Most mutual matches of a candidate of another place; null on a map with another re-ranker.",
            examples=[131],
        ),
    ]
    score: Annotated[
        float, Field(ge=0, description="Score of the best candidate by the map's re-ranker.", examples=[412.0])
    ] = 0.0
    rival_score: Annotated[
        float, Field(ge=0, description="The best score of a candidate of another place.", examples=[131.0])
    ] = 0.0
    share: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="The share of the place in all votes; a candidate votes with the fourth power of its score.",
            examples=[0.98],
        ),
    ]
    global_rank: Annotated[
        int, Field(ge=1, description="Rank of the best candidate by the global features alone.", examples=[1])
    ]
    similarity: Annotated[
        float,
        Field(description="The highest cosine of the global features with a candidate of the place.", examples=[0.83]),
    ]
    rival_similarity: Annotated[
        float, Field(description="The highest with a candidate of another place.", examples=[0.62])
    ]


class PhotoAnswer(Schema):
    """Describe the part of one photo in the answer to several."""

    photo: Annotated[int, Field(ge=1, description="1 is the first that was sent.", examples=[2])]
    candidate: Annotated[
        CandidateAnswer | None,
        Field(
            description=(
                "The picture by which it supports the answer: of the same place, or on the path. Its rank is among "
                "all candidates of this photo: with 1 the photo alone would have the same answer. null if the photo "
                "does not support the answer."
            )
        ),
    ]
    confidence: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="Probability that this candidate is right, by this photo alone; null if unknown.",
            examples=[0.91],
        ),
    ]
    evidence: Annotated[
        EvidenceAnswer | None, Field(description="The evidence; without a candidate, for the photo's own best one.")
    ]


class LocalizationAnswer(Schema):
    """Say where a photo was taken, how sure that is, and why."""

    status: Annotated[
        Status,
        WrapValidator(_word),
        Field(
            description=(
                "localized: of the answers with this status, at most the share max_wrong is wrong. uncertain: there is "
                "a position, and too little supports it. not_found: the evidence says that the map does not have "
                "the place. uncalibrated: it is unknown how reliable the evidence is on this map. no_candidates: "
                "no picture of the map may be the answer. More may come."
            )
        ),
    ]
    position: Annotated[
        Position | None,
        Field(description="Where the best candidate was taken; null with not_found and no_candidates."),
    ]
    confidence: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="Probability that the position is right: within the map's positive distance. null if unknown.",
            examples=[0.987],
        ),
    ]
    accuracy: Annotated[
        Accuracy | None, Field(description="How far off the position may be; null where nothing supports a number.")
    ]
    evidence: Annotated[EvidenceAnswer | None, Field(description="The evidence; null without a candidate.")]
    candidates: Annotated[list[CandidateAnswer], Field(description="The candidates, the best first.")]
    matches: Annotated[
        MatchesAnswer | None,
        Field(
            description=(
                "Which cells match; null unless evidence=matches asks for it, and where without_evidence tells why."
            )
        ),
    ]
    heat: Annotated[
        HeatAnswer | None,
        Field(
            description=(
                "Where the network looked; null unless evidence=heat asks for it, and where without_evidence tells why."
            )
        ),
    ]
    without_evidence: Annotated[
        str | None,
        Field(
            description=(
                "The reason why the matches or the heat that `evidence` asked for are null; null if they are there, or "
                "nothing was asked for."
            ),
            examples=["keypoints lie anywhere, and in no grid of cells"],
        ),
    ] = None
    photos: Annotated[
        list[PhotoAnswer] | None,
        Field(
            description="The part of each photo, in their order, if several were asked together; null for one alone."
        ),
    ]
    map: MapVersion
    timings_ms: Timings
    request_id: Annotated[str, Field(description="As in the header X-Request-Id.", examples=["f1d2d2f924e986ac"])]
