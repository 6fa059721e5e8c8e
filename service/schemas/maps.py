"""Describe the maps that are served, and how each was made."""

from typing import Annotated

from pydantic import Field

from service.schemas.schema import VERSION, Schema


class MapSummary(Schema):
    """Describe a map that is served."""

    name: Annotated[str, Field(description="The name, as the parameter `map` takes it.", examples=["lund"])]
    version: Annotated[str, VERSION]
    pictures: Annotated[int, Field(ge=0, description="The number of its pictures.", examples=[128])]


class ServedMap(MapSummary):
    """Describe a map that is served: the state of its files, its network and its re-ranker."""

    is_damaged: Annotated[
        bool, Field(description="Whether the version does not answer, because a file of it is damaged.")
    ]
    family: Annotated[str | None, Field(description="The kind of its network.", examples=["starter"])] = None
    reranker: Annotated[
        str | None,
        Field(
            description="The method that compares a query with its candidates; null without local features.",
            examples=["mutual-matches"],
        ),
    ] = None
    weights_licence: Annotated[
        str | None,
        Field(description="The licence of the network's weights; null if they had no known name.", examples=["MIT"]),
    ] = None


class NetworkAnswer(Schema):
    """Describe the network behind the service."""

    family: Annotated[str, Field(description="The kind of network.", examples=["starter"])]
    fingerprint: Annotated[str, Field(description="SHA-256 of its weights and configuration, in hexadecimal.")]
    is_trained: Annotated[
        bool, Field(description="False over a bare backbone: then nothing is re-ranked unless asked for.")
    ]
    advice: Annotated[str | None, Field(description="How to get a better one; null if none is known.")]


class CalibrationAnswer(Schema):
    """Describe the basis of a map's confidences. It does not cover questions under other conditions than these."""

    version: Annotated[str, Field(description="The version that was calibrated.", examples=["000001"])]
    within_m: Annotated[float, Field(gt=0, description="A position is right if it is so near.", examples=[25])]
    questions: Annotated[int, Field(ge=0, description="The number of questions that were asked.", examples=[1000])]
    conditions: Annotated[
        dict[str, int], Field(description="The number of labelled photos of each condition.", examples=[{"night": 120}])
    ]


class MapDetail(ServedMap):
    """Describe a map that is served, and how it was made."""

    network: NetworkAnswer
    preprocessing: Annotated[str, Field(description="How pictures are resized.", examples=["antialias"])]
    encoding: Annotated[str, Field(description="Precision in which its pictures were encoded.", examples=["bfloat16"])]
    query_encoding: Annotated[str, Field(description="Precision in which queries are encoded.", examples=["bfloat16"])]
    searcher: Annotated[str, Field(description="The library that searches its index.", examples=["faiss-cpu"])]
    matcher: Annotated[
        str,
        Field(description="The instructions and numbers that compare local features.", examples=["avx-512-int16"]),
    ]
    without_matches: Annotated[
        str | None,
        Field(description="The reason why evidence=matches gives null for every photo; null if it does not."),
    ]
    calibration: Annotated[
        CalibrationAnswer | None,
        Field(description="The calibrated version and its questions; null if none was calibrated."),
    ]
    calibration_advice: Annotated[
        str | None, Field(description="How to get answers with a reliable confidence; null if they have one.")
    ]


class MapList(Schema):
    """List the maps that are served."""

    maps: Annotated[list[ServedMap], Field(description="The maps, by name.")]
