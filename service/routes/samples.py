"""GET /samples and the paths below it: pictures to ask with."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from service.errors import SampleNotFound
from service.keys import Scope
from service.routes.access import require_scope
from service.routes.any_path import ANY_PATH
from service.routes.dependencies import KNOWN_PARAMETERS_ONLY
from service.routes.picture_bodies import picture_answer
from service.routes.responses import problem_responses
from service.samples import Sample
from service.schemas.samples import SampleAnswer, SampleList

router = APIRouter(tags=["samples"], dependencies=[require_scope(Scope.READ), KNOWN_PARAMETERS_ONLY])

SampleId = Annotated[
    str, Path(alias="id", description="A sample's id; may contain slashes.", examples=["night/0007.jpg"])
]


@router.get("/samples", summary="List pictures to ask with")
async def list_samples(request: Request) -> SampleList:
    """Return the samples that the service was started with, in their order; none if it was started without."""
    samples: dict[str, Sample] = request.app.state.samples
    return SampleList(samples=[_describe(sample) for sample in samples.values()])


@router.get(
    f"/samples/{{id:{ANY_PATH}}}",
    summary="Show a sample",
    response_class=Response,
    responses={
        200: picture_answer("The picture as it is.", "image/jpeg", "image/png", "image/webp", "image/avif"),
        **problem_responses(SampleNotFound),
    },
)
async def get_sample(sample_id: SampleId, request: Request) -> Response:
    """Return a picture to ask with; it can be sent to `/localize` unchanged."""
    samples: dict[str, Sample] = request.app.state.samples
    sample = samples.get(sample_id)  # only listed ids are found: an id never becomes a path
    if sample is None:
        raise SampleNotFound("there is no sample of that id; GET /samples lists the samples")
    content = await run_in_threadpool(sample.read)
    return Response(content, media_type=sample.media_type, headers={"Cache-Control": "private, max-age=300"})


def _describe(sample: Sample) -> SampleAnswer:
    return SampleAnswer(
        id=sample.id,
        url=f"samples/{quote(sample.id)}",
        latitude=None if sample.position is None else sample.position.latitude,
        longitude=None if sample.position is None else sample.position.longitude,
        heading_deg=sample.heading_deg,
        condition=sample.condition,
    )
