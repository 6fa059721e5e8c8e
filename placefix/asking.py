"""Questions to one map under the settings of the server: the same answers without a server."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from model.errors import InvalidInput
from model.images import ImageLimits
from placefix.client.question import Question, text_of
from service.answer import build_answer
from service.asked import Asked, Together
from service.configured_maps import load_configured
from service.decoding import read_photo
from service.encoded_query import encode_queries
from service.environment_names import unknown_environment_names
from service.fusion import fuse
from service.localization import Localization
from service.localizer import Localizer
from service.prior import AskedPrior
from service.query_options import QueryDefaults
from service.schemas.answer import LocalizationAnswer
from service.settings import ServiceSettings, load_settings
from service.settings_file import settings_from
from service.stages import Stage, StageClock


@dataclass(frozen=True)
class AskedMap:
    """Hold a map and the question to ask it about photos.

    Attributes:
        localizer: The localizer of the map.
        asked: The question about the photos.
        limits: The limits on photos.
    """

    localizer: Localizer
    asked: Asked
    limits: ImageLimits

    def ask(self, photo: Path | bytes) -> Localization:
        """Find a photo in the map, as the server does for a request.

        Returns:
            The localization; its seconds include the time for decoding.

        Raises:
            ImageError: The photo cannot be used; its class says why.
        """
        clock = StageClock()
        with clock.measure(Stage.DECODE):
            image, options = read_photo(photo, self.limits, self.localizer.preparation, self.asked)
        [encoded] = encode_queries(self.localizer.encoder, image[None])
        found = self.localizer.localize(encoded, options)
        return replace(found, seconds={**clock.seconds, **found.seconds})

    def answer(self, photos: Sequence[Path | bytes]) -> LocalizationAnswer:
        """Answer as the server does, about one photo or about several that belong together.

        Raises:
            ImageError: A photo cannot be used; the class of the error says why.
        """
        start = time.perf_counter()
        found = [self.ask(photo) for photo in photos]
        together = self.asked.together
        one = found[0] if together is None else fuse(self.localizer, found, together, self.asked.options)
        return build_answer(one, one.seconds, time.perf_counter() - start, secrets.token_hex(8))


@dataclass(frozen=True)
class OpenedMap:
    """Hold an open map with its network.

    Attributes:
        localizer: The localizer of the map.
        defaults: The default options of a question.
        settings: The settings of the server.
    """

    localizer: Localizer
    defaults: QueryDefaults
    settings: ServiceSettings

    def asking(self, question: Question, photos: int = 1) -> AskedMap:
        """Return the map with a question.

        Args:
            question: The question, as over HTTP.
            photos: The number of photos that are asked together.

        Raises:
            InvalidInput: The question contradicts itself, a number is out of its range, or there are too many photos.
        """
        prior, together = prior_of(question), together_of(question, photos)
        check_count(photos, together, self.settings)
        options = self.defaults.options(
            question.get("candidates"),
            question.get("shortlist"),
            rerank=question.get("rerank"),
            max_wrong=question.get("max_wrong"),
            min_confidence=question.get("min_confidence"),
            evidence=question.get("evidence"),
        )
        return AskedMap(self.localizer, Asked(options, prior, together), self.settings.image_limits)


def prior_of(question: Question) -> AskedPrior:
    """Return the prior knowledge of a question about its photos.

    Raises:
        InvalidInput: The question contradicts itself, or a number is out of its range.
    """
    near = question.get("near")
    return AskedPrior(
        None if near is None else text_of(near),
        question.get("within_m"),
        question.get("heading"),
        question.get("heading_tolerance"),
        question.get("use_exif_position") or False,
    )


def together_of(question: Question, photos: int) -> Together | None:
    """Return how the photos of a question belong together; None if it does not say.

    Raises:
        InvalidInput: The times cannot be read, or are not one for each photo.
    """
    times = question.get("times")
    return Together.of(question.get("together"), None if times is None else text_of(times), photos)


def check_count(photos: int, together: Together | None, settings: ServiceSettings) -> None:
    """Refuse too many photos, and several photos if the question does not say how they belong together.

    Raises:
        InvalidInput: The photos are refused, or there is none.
    """
    if not photos:
        raise InvalidInput("no photo was given")
    if photos > 1 and together is None:
        raise InvalidInput(
            f"{photos} photos: say with together=place or together=sequence how they belong together, or ask with one "
            "at a time"
        )
    if photos > settings.max_images:
        raise InvalidInput(f"{photos} photos; at most {settings.max_images} are asked together (max_images)")


def read_settings(
    flags: Mapping[str, object], settings_file: Path | None, tell: Callable[[str], None]
) -> ServiceSettings:
    """Read the settings of the server for a command that asks one map.

    Args:
        flags: Name of a setting → its flag, or None if it was not given. Flags win over environment and file.
        settings_file: A TOML file, or None.
        tell: The function that is called with a sentence for each variable or line with no effect or an old name.

    Raises:
        InvalidInput: A value does not fit its setting, or the settings name no map, several maps, or a shard.
    """
    settings = load_settings(flags, None if settings_file is None else settings_from(settings_file))
    for sentence in (*unknown_environment_names(os.environ), *settings.notes):
        tell(sentence)
    if len(settings.maps) > 1:
        named = " or ".join(map(str, settings.maps))
        raise InvalidInput(f"the settings name {len(settings.maps)} maps: say which with --map, {named}")
    if settings.shard is not None:
        raise InvalidInput(
            f"the settings name shard {settings.shard}, and a part of a map answers no photo: unset PLACEFIX_SHARD, or "
            "ask the front end"
        )
    return settings


@contextmanager
def opened_map(settings: ServiceSettings) -> Iterator[OpenedMap]:
    """Open the map of the settings, and close it at the end.

    Args:
        settings: The settings from ``read_settings``.

    Raises:
        PlacefixError: Map or network cannot be loaded.
    """
    loaded, defaults = load_configured(settings)
    try:
        [localizer] = loaded.localizers.values()
        yield OpenedMap(localizer, defaults, settings)
    finally:
        loaded.close()
