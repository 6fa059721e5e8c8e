"""Where a photo was taken, how sure that is, and why."""

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, ValidatorFunctionWrapHandler, WrapValidator

from service.schemas.schema import HEADING, LATITUDE, LONGITUDE, VERSION, Schema
from service.words import Status

_MATCHES = Field(
    ge=0,
    description="Mutual nearest neighbours among the local features of query and candidate; null if not re-ranked.",
    examples=[412],
)
_DISTANCE = Field(ge=0, description="Euclidean distance of the global features, in [0, 2].", examples=[0.3127])


FROM_LATER_RELEASES = "from later releases"
"""In the context of a validation: words that this release does not know are let through."""


def _word(value: Any, known: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Let a word of a later release through, if that is asked for: more may come, as the contract says."""
    return value if isinstance(value, str) and info.context == FROM_LATER_RELEASES else known(value)


class Position(Schema):
    """A position on the Earth."""

    latitude: Annotated[float, LATITUDE]
    longitude: Annotated[float, LONGITUDE]


class CandidateAnswer(Schema):
    """A picture of the map that may show the place of the query."""

    rank: Annotated[int, Field(ge=1, description="1 is the best.", examples=[1])]
    id: Annotated[str, Field(description="The picture's id in the map.", examples=["lund/0123.jpg"])]
    latitude: Annotated[float, LATITUDE]
    longitude: Annotated[float, LONGITUDE]
    heading_deg: Annotated[float | None, HEADING]
    mutual_matches: Annotated[int | None, _MATCHES]
    global_distance: Annotated[float, _DISTANCE]


class MapVersion(Schema):
    """The map that answered, and its version."""

    name: Annotated[str, Field(description="Its name.", examples=["lund"])]
    version: Annotated[str, VERSION]


class Timings(Schema):
    """Milliseconds that each stage took; 0 for a stage that was not needed."""

    decode: Annotated[float, Field(ge=0, description="From bytes to the network's input.", examples=[9.8])]
    queue: Annotated[float, Field(ge=0, description="Waiting for the device.", examples=[0.2])]
    encode: Annotated[float, Field(ge=0, description="The network, for the whole batch.", examples=[31.0])]
    shortlist: Annotated[float, Field(ge=0, description="Search of the global features.", examples=[0.6])]
    gather: Annotated[float, Field(ge=0, description="Local features of the shortlist, read.", examples=[6.3])]
    rerank: Annotated[float, Field(ge=0, description="Mutual matches with the shortlist.", examples=[58.1])]
    total: Annotated[
        float, Field(ge=0, description="From the last byte of the request to the answer.", examples=[107.4])
    ]


class Accuracy(Schema):
    """How far off the position may be."""

    radius_m: Annotated[float, Field(ge=0, description="Metres around the position.", examples=[8.5])]
    level: Annotated[
        float,
        Field(gt=0, lt=1, description="Share of answers like this one that lie so near to the truth.", examples=[0.95]),
    ]


class EvidenceAnswer(Schema):
    """The evidence for the best candidate, and for the best one of another place."""

    compared: Annotated[
        int,
        Field(ge=0, description="Candidates whose local features were compared; 0 if not re-ranked.", examples=[20]),
    ]
    matches: Annotated[int, Field(ge=0, description="Mutual matches of the best candidate.", examples=[412])]
    rival_matches: Annotated[
        int, Field(ge=0, description="Most mutual matches of a candidate of another place.", examples=[131])
    ]
    share: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Each candidate votes with the fourth power of its matches: the share of the place.",
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
    """The part of one photo in the answer to several."""

    photo: Annotated[int, Field(ge=1, description="1 is the first that was sent.", examples=[2])]
    candidate: Annotated[
        CandidateAnswer | None,
        Field(
            description=(
                "The picture by which it speaks for the answer: of the same place, or on the path. Its rank is that "
                "among all candidates of this photo: with 1 the photo alone would have been answered so. null if the "
                "photo does not speak for the answer."
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
        EvidenceAnswer | None, Field(description="Why; without a candidate, of what the photo alone shows best.")
    ]


class LocalizationAnswer(Schema):
    """Where a photo was taken, how sure that is, and why."""

    status: Annotated[
        Status,
        WrapValidator(_word),
        Field(
            description=(
                "localized: of answers called so, at most the share max_wrong is wrong. uncertain: there is a "
                "position, and too little speaks for it. not_found: the evidence says that the map does not have "
                "the place. uncalibrated: nobody knows how much the evidence is worth on this map. no_candidates: "
                "no picture of the map comes into question. More may come."
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
    evidence: Annotated[EvidenceAnswer | None, Field(description="Why; null without a candidate.")]
    candidates: Annotated[list[CandidateAnswer], Field(description="Best first.")]
    photos: Annotated[
        list[PhotoAnswer] | None,
        Field(description="Of photos that were asked together, what each says, in their order; null for one alone."),
    ]
    map: MapVersion
    timings_ms: Timings
    request_id: Annotated[str, Field(description="As in the header X-Request-Id.", examples=["f1d2d2f924e986ac"])]
