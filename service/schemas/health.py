"""Say whether the service lives and is ready, and describe its parts."""

from typing import Annotated, Literal

from pydantic import Field

from service.schemas.maps import MapDetail, NetworkAnswer
from service.schemas.schema import Schema
from service.words import Rerank


class Defaults(Schema):
    """Hold the values of the options that a query leaves open."""

    candidates: Annotated[int, Field(ge=1, description="Candidates to return.", examples=[10])]
    shortlist: Annotated[int, Field(ge=1, description="Candidates to re-rank.", examples=[20])]
    rerank: Annotated[Rerank, Field(description="Whether they are re-ranked.", examples=["auto"])]
    max_wrong: Annotated[
        float,
        Field(gt=0, lt=1, description="Share of the answers called localized that may be wrong.", examples=[0.05]),
    ]


class Live(Schema):
    """Say that the process answers."""

    status: Annotated[Literal["live"], Field(description="Always live.")] = "live"


class Ready(Schema):
    """Say that the service answers queries, and describe its parts."""

    status: Annotated[Literal["ready"], Field(description="Always ready; a problem document says that it is not.")] = (
        "ready"
    )
    device: Annotated[str, Field(description="The device of the network.", examples=["cpu"])]
    device_reason: Annotated[
        str, Field(description="The reason for this device.", examples=["auto: torch sees no CUDA device"])
    ]
    encoding: Annotated[str, Field(description="Precision in which queries are encoded.", examples=["bfloat16"])]
    encoding_reason: Annotated[
        str, Field(description="The reason for this precision.", examples=["auto: as the map was encoded"])
    ]
    network: NetworkAnswer
    defaults: Defaults
    maps: Annotated[list[MapDetail], Field(description="The maps that are served, by name.")]
