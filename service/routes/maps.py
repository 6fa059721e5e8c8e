"""GET /maps and the paths below it: the maps that are served, and their pictures."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from starlette.concurrency import run_in_threadpool

from model.encoder import Encoder
from model.weights_cache import BETTER_THAN_STARTER, STARTER
from place_map import versions
from place_map.calibration import Calibration
from place_map.calibration_advice import calibration_advice
from place_map.errors import MapCorrupt, MapNotFound, MapVersionUnsupported
from place_map.versions import Version
from service.errors import NotReady, PlaceNotFound
from service.keys import Scope
from service.routes.access import require_scope
from service.routes.any_path import ANY_PATH
from service.routes.dependencies import KNOWN_PARAMETERS_ONLY, RuntimeDependency
from service.routes.picture_bodies import picture_answer
from service.routes.responses import problem_responses
from service.schemas.maps import CalibrationAnswer, MapDetail, MapList, NetworkAnswer, ServedMap
from service.schemas.versions import VersionList, VersionSummary
from service.served_maps import ServedVersion

router = APIRouter(tags=["maps"], dependencies=[require_scope(Scope.READ), KNOWN_PARAMETERS_ONLY])

MapName = Annotated[str, Path(description="The name of a map.", examples=["lund"])]
PlaceId = Annotated[
    str, Path(alias="id", description="A picture's id; may contain slashes.", examples=["lund/0123.jpg"])
]


def describe_map(version: ServedVersion, max_wrong: float) -> MapDetail:
    """Describe a map: how it was made, and how reliable its answers are at this accepted share of wrong ones."""
    localizer = version.localizer
    calibration = localizer.place_map.calibration
    return MapDetail(
        **_list_map(version).model_dump(),
        network=describe_network(localizer.encoder),
        preprocessing=localizer.preparation.preprocessing.value,
        encoding=localizer.place_map.manifest.network.precision,
        query_encoding=localizer.encoder.precision,
        searcher=localizer.searcher.name,
        matcher=localizer.matcher,
        without_matches=localizer.without_matches,
        calibration=None if calibration is None else _describe_calibration(calibration),
        calibration_advice=calibration_advice(calibration, localizer.place_map.manifest, max_wrong),
    )


def describe_network(encoder: Encoder) -> NetworkAnswer:
    """Describe the network behind the service."""
    return NetworkAnswer(
        family=encoder.family,
        fingerprint=encoder.fingerprint,
        is_trained=encoder.is_trained,
        advice=BETTER_THAN_STARTER if encoder.family == STARTER else None,
    )


def _describe_calibration(calibration: Calibration) -> CalibrationAnswer:
    return CalibrationAnswer(
        version=calibration.map_version,
        within_m=calibration.within_m,
        questions=calibration.questions.total,
        conditions=dict(calibration.questions.conditions),
    )


@router.get("/maps", summary="List the maps", responses=problem_responses(NotReady))
async def list_maps(runtime: RuntimeDependency) -> MapList:
    """Return all maps that are served, by name."""
    with runtime.engine.maps.reading_all() as versions:
        return MapList(maps=[_list_map(version) for version in versions])


def _list_map(version: ServedVersion) -> ServedMap:
    place_map, reranker = version.localizer.place_map, version.localizer.reranker
    return ServedMap(
        name=place_map.name,
        version=place_map.version,
        pictures=len(place_map),
        is_damaged=version.damage is not None,
        family=place_map.manifest.network.family,
        reranker=None if reranker is None else reranker.name,
        weights_licence=place_map.manifest.network.licence,
    )


@router.get("/maps/{name}", summary="Describe a map", responses=problem_responses(MapNotFound, NotReady))
async def get_map(name: MapName, runtime: RuntimeDependency) -> MapDetail:
    """Return a map, its network and its searcher."""
    with runtime.engine.maps.reading(name) as version:
        return describe_map(version, runtime.engine.defaults.max_wrong)


@router.get(
    "/maps/{name}/versions",
    summary="List the versions of a map",
    responses=problem_responses(MapNotFound, MapCorrupt, MapVersionUnsupported, NotReady),
)
async def list_versions(name: MapName, runtime: RuntimeDependency) -> VersionList:
    """Return all versions of the map on the disk; any of them can be served."""
    with runtime.engine.maps.reading(name) as version:
        place_map = version.localizer.place_map
        found = await run_in_threadpool(versions.list_versions, place_map.path)
    return VersionList(versions=[_describe_version(each, place_map.version) for each in found])


def _describe_version(version: Version, served: str) -> VersionSummary:
    manifest = version.manifest
    return VersionSummary(
        version=manifest.version,
        pictures=manifest.counts.placed,
        parent=manifest.parent,
        change=manifest.change.kind,
        created_at=manifest.created_at,
        own_bytes=version.own_bytes,
        is_current=version.is_current,
        is_served=manifest.version == served,
    )


@router.get(
    f"/maps/{{name}}/places/{{id:{ANY_PATH}}}/thumbnail",
    summary="Show a picture of a map",
    response_class=Response,
    responses={
        200: picture_answer("A small JPEG.", "image/jpeg"),
        **problem_responses(MapNotFound, PlaceNotFound, MapCorrupt, NotReady),
    },
)
async def get_thumbnail(name: MapName, place_id: PlaceId, runtime: RuntimeDependency) -> Response:
    """Return a small JPEG of a picture of the map, to compare with the query."""
    with runtime.answering_from(name) as version:
        place_map = version.localizer.place_map
        row = place_map.places.row_of(place_id)
        if row is None:
            raise PlaceNotFound(f"the map {name} has no picture of that id")
        thumbnail = await run_in_threadpool(place_map.thumbnail, row)
    if thumbnail is None:
        raise PlaceNotFound(f"the map {name} was built without a thumbnail of that picture")
    return Response(thumbnail, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=300"})
