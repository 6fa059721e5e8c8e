"""Describe the evidence that a query asks for by ``evidence=``: cells that match, and where the network looked."""

from typing import Annotated

from pydantic import Field

from service.schemas.candidate import CandidateAnswer
from service.schemas.schema import Schema
from service.words import MOST_MATCHED, MOST_PAIRS


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
