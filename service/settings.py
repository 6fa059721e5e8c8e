"""Define every limit and default of the service, in one place: flags over environment over these defaults."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from model.device import DeviceName
from model.errors import InvalidInput
from model.images import ImageLimits
from model.matching import MatchingPrecision
from model.network_precision import RequestedPrecision
from service.earlier_settings import environment_under_new_names
from service.http_settings import HttpSettings, split_by_commas
from service.page_settings import PageSettings, is_loopback
from service.query_options import (
    DEFAULT_CANDIDATES,
    DEFAULT_MAX_WRONG,
    DEFAULT_PRECISION,
    DEFAULT_RERANK,
    DEFAULT_SHORTLIST,
    DEFAULT_SHORTLIST_SLOW,
    MAX_SHORTLIST,
    rerank_word,
)
from service.shard_settings import ShardSettings
from service.words import Rerank

ENVIRONMENT_PREFIX = "PLACEFIX_"

MAX_HEAD_BYTES = 16_384  # in a request, whose headers need a few hundred
HEAD_TIMEOUT_S = 15

LogFormat = Literal["auto", "json", "console"]
VerifyWhen = Literal["start", "background", "off"]

_IMAGE_LIMITS = ImageLimits()


class ServiceSettings(HttpSettings, PageSettings, ShardSettings, BaseSettings):
    """Hold the settings of ``placefix serve``, with those of ``HttpSettings``, ``PageSettings`` and ``ShardSettings``.

    Each is also an environment variable ``PLACEFIX_<NAME>``, and a line of a file of settings. Units are in the names;
    a request beyond a limit gets the status in brackets.

    Attributes:
        notes: Sentences about old names in the file of settings, if there is one.
    """

    notes: ClassVar[Sequence[str]] = ()

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        extra="forbid",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    maps: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Directories of the maps to serve; in the environment separated by commas."
    )
    weights: str | None = Field(
        default=None,
        description="The network: a checkpoint file or a known name; by default the file that the map was built with.",
    )
    device: DeviceName = Field(
        default="auto", description="The device of the network; auto takes a GPU if there is one."
    )
    network_precision: RequestedPrecision = Field(
        default="auto",
        description="Precision of the network; auto takes the map's.",
    )
    matching_precision: MatchingPrecision = Field(
        default=DEFAULT_PRECISION, description="How mutual matches are counted (docs/evaluation.md)."
    )
    verify: VerifyWhen = Field(
        default="background",
        description=(
            "When every byte of the maps is compared with its sum: at start, in the background while queries are "
            "answered, or off. Index and global features are always compared at start."
        ),
    )
    verify_interval_s: float = Field(
        default=86_400.0,
        ge=0,
        description="Seconds after which every byte of the maps is compared again, unless verify is off; 0 never does.",
    )
    watch_interval_s: float = Field(
        default=2.0,
        ge=0,
        description="Seconds between looks at the version that each map names; 0 never looks.",
    )
    keys: Path | None = Field(
        default=None,
        description="The file of API keys, made by placefix keys create; without it, everybody may ask.",
    )

    samples: Path | None = Field(
        default=None, description="A folder of pictures that the page at / offers to ask with."
    )

    rerank: Annotated[Rerank, BeforeValidator(rerank_word)] = Field(
        default=DEFAULT_RERANK,
        description=(
            "Whether to re-rank unless a request says; auto compares candidates until the answer is sure, and none if "
            "the network is not trained."
        ),
    )
    max_wrong: float = Field(
        default=DEFAULT_MAX_WRONG,
        gt=0,
        lt=1,
        description="Share of the answers called localized that may be wrong, unless a request says.",
    )
    shortlist: int | None = Field(
        default=None,
        ge=1,
        le=MAX_SHORTLIST,
        description=(
            f"Candidates to re-rank unless a request says; by default {DEFAULT_SHORTLIST}, and "
            f"{DEFAULT_SHORTLIST_SLOW} where counting is slow: on a CPU without AVX2, or with matching precision exact."
        ),
    )
    candidates: int = Field(
        default=DEFAULT_CANDIDATES, ge=1, le=MAX_SHORTLIST, description="Candidates to return unless a request says."
    )

    max_pixels: int = Field(
        default=_IMAGE_LIMITS.max_pixels,
        ge=1,
        description=(
            "Most pixels of a picture as it is decoded [413]; a JPEG of more than 50 million is decoded at "
            "1/2, 1/4 or 1/8. This limit and the next one count in every command that opens pictures."
        ),
    )
    max_side_px: int = Field(
        default=_IMAGE_LIMITS.max_side_px,
        ge=1,
        description="Most pixels of the longer side of a picture, in its file [413].",
    )

    max_in_flight: int = Field(default=128, ge=1, description="Most requests to /localize at once [503].")
    max_bytes_in_flight: int = Field(
        default=512_000_000,
        ge=1,
        description="Most bytes of all bodies in memory at once; at least max_upload_bytes [503].",
    )
    queue_size: int = Field(default=64, ge=1, description="Most decoded pictures that wait for the device [503].")
    max_batch_size: int = Field(default=8, ge=1, le=256, description="Most pictures that are encoded together.")
    decode_threads: int = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1),
        ge=1,
        le=64,
        description="Most pictures that are decoded at once; by default one for each core, and at most 4.",
    )
    deadline_s: float = Field(
        default=30.0, gt=0, description="Most seconds from the last byte of a request to its answer [504]."
    )
    stuck_after_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds without progress, on the device or in decoding, until the service ends.",
    )
    drain_delay_s: float = Field(
        default=0,
        ge=0,
        description=(
            "Seconds for which a service that is told to stop reports that it is not ready, and still answers, so "
            "that a load balancer notices in time."
        ),
    )
    shutdown_grace_s: int = Field(
        default=30,
        ge=0,
        description="Seconds from the end of the drain delay to the end of the process, to finish queries in flight.",
    )

    log_format: LogFormat = Field(
        default="auto", description="json, console, or auto: console on a terminal, json otherwise."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe messages of the log."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read flags, then the environment, with its old names."""
        renamed = environment_under_new_names(os.environ, ENVIRONMENT_PREFIX)
        return init_settings, env_settings, InitSettingsSource(settings_cls, renamed)

    @field_validator("candidates")
    @classmethod
    def _fits_shortlist(cls, value: int, info: ValidationInfo) -> int:
        shortlist = info.data.get("shortlist")
        if shortlist is not None and value > shortlist:
            raise PydanticCustomError("candidates", "Input should be at most shortlist, which is {n}", {"n": shortlist})
        return value

    @field_validator("max_bytes_in_flight")
    @classmethod
    def _holds_largest_body(cls, value: int, info: ValidationInfo) -> int:
        largest = info.data.get("max_upload_bytes")
        if largest is not None and value < largest:
            raise PydanticCustomError(
                "max_bytes_in_flight", "Input should be at least max_upload_bytes, which is {n}", {"n": largest}
            )
        return value

    @field_validator("maps", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_by_commas(value)

    @property
    def most_images(self) -> int:
        """Return how many pictures may be asked together: all of them wait for the device at once."""
        return min(self.max_images, self.queue_size)

    @property
    def lists_places(self) -> bool:
        """Return whether all pictures of a map may be listed; if the service has keys, for those with the scope."""
        if self.browse == "auto":
            return self.keys is not None or self.is_local
        return self.browse == "on"

    @property
    def is_local(self) -> bool:
        """Return whether this machine alone reaches the service."""
        return is_loopback(self.host if self.published_host is None else self.published_host)

    @property
    def image_limits(self) -> ImageLimits:
        """Return the limits of a picture."""
        return ImageLimits(max_pixels=self.max_pixels, max_side_px=self.max_side_px)


def load_settings(flags: Mapping[str, object], kind: "type[ServiceSettings] | None" = None) -> ServiceSettings:
    """Read the settings: flags over environment over a file over defaults.

    Args:
        flags: The flags by field name; None for a flag that was not given.
        kind: The settings with a file among their sources (``service.settings_file``); None without a file.

    Raises:
        InvalidInput: A value does not fit its setting.
    """
    try:
        given = {name: value for name, value in flags.items() if value is not None}
        return (kind or ServiceSettings)(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        sentences = [f"{found['loc'][0]}: {found['msg']}" for found in error.errors()]
        raise InvalidInput(
            f"settings that do not fit: {'; '.join(sentences)} (see the flags of placefix serve, the environment "
            f"variables {ENVIRONMENT_PREFIX}…, and the file of settings if there is one)"
        ) from error
