"""What the service says, as the OpenAPI document describes it."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from model.encoder import Encoder
from model.weights_cache import BETTER_THAN_STARTER, STARTER
from place_map.calibration import Calibration
from service.localization import Status
from service.query_options import Rerank

_LATITUDE = Field(ge=-90, le=90, description="WGS84 latitude in degrees, north positive.", examples=[55.70584])
_LONGITUDE = Field(ge=-180, le=180, description="WGS84 longitude in degrees, east positive.", examples=[13.19321])
_HEADING = Field(
    ge=0,
    lt=360,
    description="Where the camera looked to, in degrees clockwise from true north; null if unknown.",
    examples=[271.5],
)
_MATCHES = Field(
    ge=0,
    description="Mutual nearest neighbours among the local features of query and candidate; null if not re-ranked.",
    examples=[412],
)
_VERSION = Field(description="Changes whenever the map's pictures do.", examples=["000001"])
_NUMBER = r"^[0-9]{1,12}$"
_DISTANCE = Field(ge=0, description="Euclidean distance of the global features, in [0, 2].", examples=[0.3127])


class Schema(BaseModel):
    """The base of all answers: exactly the named members."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Position(Schema):
    """A position on the Earth."""

    latitude: Annotated[float, _LATITUDE]
    longitude: Annotated[float, _LONGITUDE]


class CandidateAnswer(Schema):
    """A picture of the map that may show the place of the query."""

    rank: Annotated[int, Field(ge=1, description="1 is the best.", examples=[1])]
    id: Annotated[str, Field(description="The picture's id in the map.", examples=["lund/0123.jpg"])]
    latitude: Annotated[float, _LATITUDE]
    longitude: Annotated[float, _LONGITUDE]
    heading_deg: Annotated[float | None, _HEADING]
    mutual_matches: Annotated[int | None, _MATCHES]
    global_distance: Annotated[float, _DISTANCE]


class MapVersion(Schema):
    """The map that answered, and its version."""

    name: Annotated[str, Field(description="Its name.", examples=["lund"])]
    version: Annotated[str, _VERSION]


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
    """What speaks for the best candidate, and for the best one of another place."""

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
    """What one of several photos that were asked together says for the answer."""

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


class MapSummary(Schema):
    """A map that is served."""

    name: Annotated[str, Field(description="What the parameter map names.", examples=["lund"])]
    version: Annotated[str, _VERSION]
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

    @classmethod
    def of(cls, encoder: Encoder) -> Self:
        """Return what is told of a network."""
        return cls(
            family=encoder.family,
            fingerprint=encoder.fingerprint,
            is_trained=encoder.is_trained,
            advice=BETTER_THAN_STARTER if encoder.family == STARTER else None,
        )


class CalibrationAnswer(Schema):
    """What a map's confidences rest on. Questions under other conditions than those asked are not covered."""

    version: Annotated[str, Field(description="The version that was calibrated.", examples=["000001"])]
    within_m: Annotated[float, Field(gt=0, description="A position is right if it is so near.", examples=[25])]
    questions: Annotated[int, Field(ge=0, description="How many were asked.", examples=[1000])]
    conditions: Annotated[
        dict[str, int], Field(description="Of labelled photos: condition, and how many.", examples=[{"night": 120}])
    ]

    @classmethod
    def of(cls, calibration: Calibration) -> Self:
        """Return what is told of a calibration."""
        return cls(
            version=calibration.map_version,
            within_m=calibration.within_m,
            questions=calibration.questions.total,
            conditions=dict(calibration.questions.conditions),
        )


class MapDetail(ServedMap):
    """A map that is served, and how it was made."""

    network: NetworkAnswer
    preprocessing: Annotated[str, Field(description="How pictures are resized.", examples=["antialias"])]
    encoding: Annotated[str, Field(description="Precision in which its pictures were encoded.", examples=["bfloat16"])]
    query_encoding: Annotated[str, Field(description="Precision in which queries are encoded.", examples=["bfloat16"])]
    searcher: Annotated[str, Field(description="What searches its index.", examples=["faiss-cpu"])]
    matcher: Annotated[
        str,
        Field(description="What counts mutual matches, and in which numbers.", examples=["avx-512-int16"]),
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


class VersionSummary(Schema):
    """A version of a map that is on the disk."""

    version: Annotated[str, _VERSION]
    pictures: Annotated[int, Field(ge=0, description="Pictures in it.", examples=[128])]
    parent: Annotated[str | None, Field(description="The version that it was made from; null for the first.")]
    change: Annotated[str, Field(description="What was done to that.", examples=["add"])]
    created_at: Annotated[str, Field(description="When it was made.", examples=["2027-01-05T09:30:00+00:00"])]
    own_bytes: Annotated[int, Field(ge=0, description="Bytes on the disk that no other version shares.")]
    is_current: Annotated[bool, Field(description="Whether the map's CURRENT names it.")]
    is_served: Annotated[bool, Field(description="Whether queries are answered from it now.")]


class VersionList(Schema):
    """The versions of a map."""

    versions: Annotated[list[VersionSummary], Field(description="The oldest first.")]


class Activation(Schema):
    """Which version of a map is to be served."""

    version: Annotated[str, Field(pattern=_NUMBER, description="Its number.", examples=["000003"])]
    expected_version: Annotated[
        str | None,
        Field(
            pattern=_NUMBER,
            description="The version that must be served now; if it is another one, nothing is done.",
            examples=["000002"],
        ),
    ] = None


class SampleAnswer(Schema):
    """A picture to ask with, and where it was taken if that is known."""

    id: Annotated[str, Field(description="The sample's id.", examples=["night/0007.jpg"])]
    url: Annotated[
        str, Field(description="Where the picture is, relative to this document.", examples=["samples/night/0007.jpg"])
    ]
    latitude: Annotated[float | None, _LATITUDE]
    longitude: Annotated[float | None, _LONGITUDE]
    heading_deg: Annotated[float | None, _HEADING]
    condition: Annotated[
        str | None, Field(description="How it was when the picture was taken; null if unknown.", examples=["night"])
    ]


class SampleList(Schema):
    """The pictures to ask with."""

    samples: Annotated[list[SampleAnswer], Field(description="In their order.")]


class Defaults(Schema):
    """What a query gets that does not say."""

    candidates: Annotated[int, Field(ge=1, description="Candidates to return.", examples=[10])]
    shortlist: Annotated[int, Field(ge=1, description="Candidates to re-rank.", examples=[20])]
    rerank: Annotated[Rerank, Field(description="Whether they are re-ranked.", examples=["auto"])]
    max_wrong: Annotated[
        float,
        Field(gt=0, lt=1, description="Share of the answers called localized that may be wrong.", examples=[0.05]),
    ]


class Live(Schema):
    """The process answers."""

    status: Annotated[Literal["live"], Field(description="Always live.")] = "live"


class Ready(Schema):
    """The service answers queries, and with what."""

    status: Annotated[Literal["ready"], Field(description="Always ready; a problem document says that it is not.")] = (
        "ready"
    )
    device: Annotated[str, Field(description="Where the network lives.", examples=["cpu"])]
    device_reason: Annotated[str, Field(description="Why.", examples=["auto: torch sees no CUDA device"])]
    encoding: Annotated[str, Field(description="Precision in which queries are encoded.", examples=["bfloat16"])]
    encoding_reason: Annotated[str, Field(description="Why.", examples=["auto: as the map was encoded"])]
    network: NetworkAnswer
    defaults: Defaults
    maps: Annotated[list[MapDetail], Field(description="The maps that are served, by name.")]


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
    errors: Annotated[list[ParameterError], Field(description="Each parameter that is wrong.")] = []
