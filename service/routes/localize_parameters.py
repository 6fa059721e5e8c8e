"""Read the parameters of POST /localize, from its address or its form."""

from collections.abc import Sequence
from typing import Annotated

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from model.errors import InvalidInput
from service.asked import Asked, Together
from service.errors import InvalidParameter
from service.parameters import parameter_errors, wrong_names
from service.prior import DEFAULT_HEADING_TOLERANCE_DEG, DEFAULT_PRIOR_M, MAX_PRIOR_M, AskedPrior
from service.query_options import MAX_SHORTLIST, QueryDefaults, QueryOptions, rerank_word
from service.words import EvidenceWord, Rerank, Togetherness

RerankWord = Annotated[
    Rerank,
    BeforeValidator(rerank_word),
    WithJsonSchema({"type": "string", "enum": ["auto", "true", "false"]}),
]


class LocalizeParameters(BaseModel):
    """Hold the parameters of a localization: in the query string of POST /localize, or in fields of its form."""

    model_config = ConfigDict(extra="forbid")

    map: str | None = Field(
        default=None, description="The name of the map; needed if several are served.", examples=["lund"]
    )
    candidates: int | None = Field(
        default=None, ge=1, le=MAX_SHORTLIST, description="How many candidates to return; by default 10."
    )
    shortlist: int | None = Field(
        default=None,
        ge=1,
        le=MAX_SHORTLIST,
        description="How many to re-rank, at least `candidates`; by default 100, and 20 where counting is slow.",
    )
    rerank: RerankWord | None = Field(
        default=None,
        description=(
            "Whether to re-rank by local features: auto, the default, compares candidates until the answer is sure; "
            "true compares all of them, false none. A map without local features refuses true."
        ),
    )
    max_wrong: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="The share of answers called localized that may be wrong; by default 0.05.",
        examples=[0.05],
    )
    min_confidence: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The confidence that an answer must also reach to be called localized; by default 0.",
        examples=[0.9],
    )
    near: str | None = Field(
        default=None,
        pattern=r"^ *[-+]?[0-9]{1,3}(\.[0-9]{1,20})? *, *[-+]?[0-9]{1,3}(\.[0-9]{1,20})? *$",
        description=(
            "Where the photo was taken, roughly: latitude and longitude in degrees (WGS84). Only pictures within "
            "`within_m` of it may be the answer."
        ),
        examples=["55.7058,13.1932"],
    )
    within_m: float | None = Field(
        default=None,
        gt=0,
        le=MAX_PRIOR_M,
        description=f"Radius of the circle around `near`, in metres; by default {DEFAULT_PRIOR_M:g}.",
        examples=[500],
    )
    use_exif_position: bool | None = Field(
        default=None,
        description=(
            "Whether the photo's own GPS position is the middle of the circle, instead of `near`; by default the "
            "service does not look at it."
        ),
    )
    heading: float | None = Field(
        default=None,
        ge=0,
        le=360,
        description=(
            "Where the camera looked to, roughly, in degrees clockwise from true north; with `near` or "
            "`use_exif_position`. Pictures of unknown heading cannot be the answer then."
        ),
        examples=[270],
    )
    heading_tolerance: float | None = Field(
        default=None,
        ge=0,
        le=180,
        description=f"By how many degrees `heading` may be wrong; by default {DEFAULT_HEADING_TOLERANCE_DEG:g}.",
        examples=[45],
    )
    together: Togetherness | None = Field(
        default=None,
        description=(
            "How several pictures belong together. place: all show one place, which is searched. sequence: they "
            "were taken one after the other, along a path, and the position of the last one is searched."
        ),
    )
    times: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "When the pictures of a sequence were taken: seconds, or ISO 8601, one for each, separated by commas."
        ),
        examples=["0,1.5,3"],
    )

    evidence: EvidenceWord | None = Field(
        default=None,
        description=(
            "matches: the answer shows which parts of the photo were found in the first candidates, in `matches`. "
            "heat: it shows where the network looked, in `heat`. For one photo, and as JSON."
        ),
    )

    def options(self, defaults: QueryDefaults) -> QueryOptions:
        """Return the options of every photo.

        Args:
            defaults: The values of the options that a request leaves open.

        Raises:
            InvalidParameter: Two parameters contradict each other.
        """
        try:
            return defaults.options(
                self.candidates,
                self.shortlist,
                rerank=self.rerank,
                max_wrong=self.max_wrong,
                min_confidence=self.min_confidence,
                evidence=self.evidence,
            )
        except InvalidInput as error:
            raise InvalidParameter(error.message) from error

    def asked(self, defaults: QueryDefaults, photos: int) -> Asked:
        """Return the question about the photos: options, prior and how they belong together.

        Args:
            defaults: The values of the options that a request leaves open.
            photos: The number of photos.

        Raises:
            InvalidParameter: Two parameters contradict each other, or one is given without another that it needs.
        """
        try:
            prior = AskedPrior(
                self.near, self.within_m, self.heading, self.heading_tolerance, self.use_exif_position or False
            )
            return Asked(self.options(defaults), prior, Together.of(self.together, self.times, photos))
        except InvalidInput as error:
            raise InvalidParameter(error.message) from error


def with_fields(parameters: LocalizeParameters, fields: Sequence[tuple[str, str]]) -> LocalizeParameters:
    """Join the parameters in the address with those in fields of the form.

    Raises:
        RequestValidationError: A field is unknown, given twice, or does not fit.
        InvalidParameter: Address and form differ.
    """
    if errors := wrong_names(fields, LocalizeParameters.model_fields):
        raise RequestValidationError(errors)
    try:
        of_form = LocalizeParameters.model_validate(dict(fields)).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise RequestValidationError(parameter_errors(error, LocalizeParameters)) from error
    of_address = parameters.model_dump(exclude_unset=True)
    for name in of_form.keys() & of_address.keys():
        if of_form[name] != of_address[name]:
            given = f"{of_address[name]!r} in the address and {of_form[name]!r} in the form"
            raise InvalidParameter(f"parameter {name} is {given}: give it once")
    return LocalizeParameters(**of_address | of_form)
