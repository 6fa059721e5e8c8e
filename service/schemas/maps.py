"""The maps that are served, and what each was made with."""

from typing import Annotated

from pydantic import Field

from service.schemas.schema import VERSION, Schema


class MapSummary(Schema):
    """A map that is served."""

    name: Annotated[str, Field(description="Its name, as the parameter `map` takes it.", examples=["lund"])]
    version: Annotated[str, VERSION]
    pictures: Annotated[int, Field(ge=0, description="Pictures in it.", examples=[128])]


class ServedMap(MapSummary):
    """A map that is served, and whether its files are as they were written."""

    is_damaged: Annotated[
        bool, Field(description="Whether the version is not answered from, because a file of it is damaged.")
    ]


class NetworkAnswer(Schema):
    """The network behind the service."""

    family: Annotated[str, Field(description="Its kind.", examples=["starter"])]
    fingerprint: Annotated[str, Field(description="SHA-256 of its weights and configuration, in hexadecimal.")]
    is_trained: Annotated[
        bool, Field(description="False over a bare backbone: then nothing is re-ranked unless asked for.")
    ]
    advice: Annotated[str | None, Field(description="How to get a better one; null if none is known.")]


class CalibrationAnswer(Schema):
    """The basis of a map's confidences. Questions under other conditions than those asked are not covered."""

    version: Annotated[str, Field(description="The version that was calibrated.", examples=["000001"])]
    within_m: Annotated[float, Field(gt=0, description="A position is right if it is so near.", examples=[25])]
    questions: Annotated[int, Field(ge=0, description="How many were asked.", examples=[1000])]
    conditions: Annotated[
        dict[str, int], Field(description="Of labelled photos: condition, and how many.", examples=[{"night": 120}])
    ]


class MapDetail(ServedMap):
    """A map that is served, and how it was made."""

    network: NetworkAnswer
    preprocessing: Annotated[str, Field(description="How pictures are resized.", examples=["antialias"])]
    encoding: Annotated[str, Field(description="Precision in which its pictures were encoded.", examples=["bfloat16"])]
    query_encoding: Annotated[str, Field(description="Precision in which queries are encoded.", examples=["bfloat16"])]
    searcher: Annotated[str, Field(description="The library that searches its index.", examples=["faiss-cpu"])]
    matcher: Annotated[
        str,
        Field(
            description="The way in which mutual matches are counted, and in which numbers.", examples=["avx-512-int16"]
        ),
    ]
    calibration: Annotated[
        CalibrationAnswer | None, Field(description="Which version was calibrated, and by what; null if none was.")
    ]
    calibration_advice: Annotated[
        str | None, Field(description="What to do so that answers have a confidence worth trusting; null if nothing.")
    ]


class MapList(Schema):
    """The maps that are served."""

    maps: Annotated[list[ServedMap], Field(description="By name.")]
