"""Describe the answer: where a photo was taken, how sure that is, and why."""

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, ValidatorFunctionWrapHandler, WrapValidator

from service.schemas.schema import HEADING, LATITUDE, LONGITUDE, VERSION, Schema
from service.words import MOST_MATCHED, MOST_PAIRS, Status

_MATCHES = Field(
    ge=0,
    description=(
        "Mutual nearest neighbours among the local features of query and candidate; null if not re-ranked, or by "
        "another re-ranker."
    ),
    examples=[412],
)
_SCORE = Field(
    ge=0,
    description="The score of the map's re-ranker; higher is better. null if not re-ranked. Mutual matches by default.",
    examples=[412.0],
)
_DISTANCE = Field(ge=0, description="Euclidean distance of the global features, in [0, 2].", examples=[0.3127])


FROM_LATER_RELEASES = "from later releases"
"""Name the entry of a validation's context that accepts words that this release does not know."""


def _word(value: Any, known: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Let a word of a later release through, if the context asks for it: the contract says that more may come."""
    return value if isinstance(value, str) and info.context == FROM_LATER_RELEASES else known(value)


class Position(Schema):
    """Hold a position on the Earth."""

    latitude: Annotated[float, LATITUDE]
    longitude: Annotated[float, LONGITUDE]


class CandidateAnswer(Schema):
    """Describe a picture of the map that may show the place of the query."""

    rank: Annotated[int, Field(ge=1, description="1 is the best.", examples=[1])]
    id: Annotated[str, Field(description="The picture's id in the map.", examples=["lund/0123.jpg"])]
    latitude: Annotated[float, LATITUDE]
    longitude: Annotated[float, LONGITUDE]
    heading_deg: Annotated[float | None, HEADING]
    mutual_matches: Annotated[int | None, _MATCHES]
    score: Annotated[float | None, _SCORE] = None
    global_distance: Annotated[float, _DISTANCE]


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


class CellGridAnswer(Schema):
    """Say where the cells of a picture lie. They are counted row by row: cell = row · columns + column, from 0."""

    rows: Annotated[int, Field(ge=1, description="The number of rows.", examples=[61])]
    columns: Annotated[int, Field(ge=1, description="The number of columns.", examples=[61])]
    x: Annotated[
        list[float],
        Field(
            description="The centre of each column, as a fraction of the width of the picture as it is shown upright.",
            examples=[[0.0313, 0.0469]],
        ),
    ]
    y: Annotated[
        list[float],
        Field(
            description="The centre of each row, as a fraction of the height, from the top.",
            examples=[[0.0313, 0.0469]],
        ),
    ]


class MatchedCandidateAnswer(Schema):
    """List the pairs of cells by which a candidate matches the query. The three lists have the same order."""

    candidate: Annotated[
        CandidateAnswer,
        Field(description="The candidate. Its rank is among all candidates that were compared."),
    ]
    is_elsewhere: Annotated[bool, Field(description="Whether it shows another place than the best candidate.")]
    count: Annotated[
        int,
        Field(
            ge=0,
            description=(
                "The number of all pairs, also of a candidate that was not re-ranked. If it was, it is mutual_matches; "
                "with a floor, pairs whose similarity lies at it may make a difference."
            ),
            examples=[412],
        ),
    ]
    query_cells: Annotated[
        list[int],
        Field(max_length=MOST_PAIRS, description="Cells of the query, the most similar pair first.", examples=[[1830]]),
    ]
    candidate_cells: Annotated[
        list[int], Field(max_length=MOST_PAIRS, description="The matching cells of the candidate.", examples=[[1891]])
    ]
    similarities: Annotated[
        list[float],
        Field(max_length=MOST_PAIRS, description="The cosine of each pair, in [-1, 1].", examples=[[0.9312]]),
    ]


class MatchesAnswer(Schema):
    """Show which parts of the photo were found in the first candidates, and in the best one of another place."""

    grid: Annotated[CellGridAnswer, Field(description="The cells of the photo and of each candidate.")]
    candidates: Annotated[
        list[MatchedCandidateAnswer],
        Field(
            max_length=MOST_MATCHED,
            description="The first three, and the best one of another place if it is none of them; by rank.",
        ),
    ]


class HeatAnswer(Schema):
    """Show how much each part of the photo weighs in its global feature, which finds similar pictures.

    The parts are equally large and fill the whole upright photo, row by row.
    """

    rows: Annotated[int, Field(ge=1, description="The number of rows.", examples=[16])]
    columns: Annotated[int, Field(ge=1, description="The number of columns.", examples=[16])]
    values: Annotated[
        list[float],
        Field(description="rows · columns weights. Their mean is 1.", examples=[[0.41, 3.27]]),
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
                "Which cells match; null unless evidence=matches asks for it, and where there is no candidate, or the "
                "network has no local features."
            )
        ),
    ]
    heat: Annotated[
        HeatAnswer | None,
        Field(
            description=(
                "Where the network looked; null unless evidence=heat asks for it, and where the global feature is not "
                "a mean over the photo."
            )
        ),
    ]
    photos: Annotated[
        list[PhotoAnswer] | None,
        Field(
            description="The part of each photo, in their order, if several were asked together; null for one alone."
        ),
    ]
    map: MapVersion
    timings_ms: Timings
    request_id: Annotated[str, Field(description="As in the header X-Request-Id.", examples=["f1d2d2f924e986ac"])]
