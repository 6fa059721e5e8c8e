"""What went wrong."""

from typing import Annotated

from pydantic import Field

from service.schemas.schema import Schema


class ParameterError(Schema):
    """What is wrong with one parameter."""

    parameter: Annotated[str, Field(description="Its name.", examples=["candidates"])]
    value: Annotated[str | None, Field(description="What was given, shortened; null if nothing.", examples=["0"])]
    message: Annotated[str, Field(description="What it should be.")]


class Problem(Schema):
    """What went wrong, as RFC 9457 describes it (application/problem+json)."""

    type: Annotated[str, Field(description="A URN of the code.", examples=["urn:placefix:problem:corrupt_image"])]
    title: Annotated[str, Field(description="The same for every problem of this code.")]
    status: Annotated[int, Field(ge=400, le=599, description="The HTTP status.", examples=[422])]
    detail: Annotated[str, Field(description="What is wrong with this request, and what the limit is.")]
    code: Annotated[str, Field(description="Stays the same between releases.", examples=["corrupt_image"])]
    request_id: Annotated[str, Field(description="As in the header X-Request-Id.")]
    errors: list[ParameterError] = Field(default=[], description="Each parameter that is wrong.")
