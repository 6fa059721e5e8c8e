"""Describe an error."""

from typing import Annotated

from pydantic import Field

from service.schemas.schema import Schema


class ParameterError(Schema):
    """Describe the error of one parameter."""

    parameter: Annotated[str, Field(description="The name of the parameter.", examples=["candidates"])]
    value: Annotated[
        str | None, Field(description="The given value, shortened; null if none was given.", examples=["0"])
    ]
    message: Annotated[str, Field(description="The values that are allowed.")]


class Problem(Schema):
    """Describe an error as RFC 9457 does (application/problem+json)."""

    type: Annotated[str, Field(description="A URN of the code.", examples=["urn:placefix:problem:corrupt_image"])]
    title: Annotated[str, Field(description="The same for every problem of this code.")]
    status: Annotated[int, Field(ge=400, le=599, description="The HTTP status.", examples=[422])]
    detail: Annotated[str, Field(description="The reason why this request failed, and the limit.")]
    code: Annotated[
        str,
        Field(
            description="The name of the problem, which stays the same between releases.", examples=["corrupt_image"]
        ),
    ]
    request_id: Annotated[str, Field(description="As in the header X-Request-Id.")]
    errors: list[ParameterError] = Field(default=[], description="Each parameter that is wrong.")
