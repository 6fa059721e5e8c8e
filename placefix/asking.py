"""Asks one map with photos, under the settings that the server reads: the same answer without a server."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from model.errors import InvalidInput
from model.images import ImageLimits
from placefix.console import error_console
from service.asked import Asked, Together
from service.configured_maps import load_configured
from service.decoding import read_photo
from service.environment_names import unknown_environment_names
from service.fusion import fuse
from service.localization import Localization
from service.localizer import Localizer, encode_queries
from service.prior import NOTHING_KNOWN, AskedPrior
from service.query_options import Rerank
from service.settings import ServiceSettings, load_settings
from service.settings_file import settings_from
from service.stages import Stage, StageClock


@dataclass(frozen=True)
class AskedMap:
    """A map to ask with photos.

    Attributes:
        localizer: Finds them.
        asked: What is asked of the photos.
        limits: What a photo may be like.
    """

    localizer: Localizer
    asked: Asked
    limits: ImageLimits

    def ask(self, photo: Path) -> Localization:
        """Find a photo in the map, as the server does with a request.

        Returns:
            The localization; its seconds include those of decoding.

        Raises:
            ImageError: The photo cannot be used; its class says why.
        """
        clock = StageClock()
        with clock.measure(Stage.DECODE):
            image, options = read_photo(photo, self.limits, self.localizer.preparation, self.asked)
        [encoded] = encode_queries(self.localizer.encoder, image[None])
        found = self.localizer.localize(encoded, options)
        return replace(found, seconds={**clock.seconds, **found.seconds})

    def ask_together(self, photos: Sequence[Path]) -> Localization:
        """Find photos in the map as they belong together, as the server does with a request.

        Raises:
            ImageError: One of them cannot be used; its class says why.
        """
        found = [self.ask(photo) for photo in photos]
        together = self.asked.together
        return found[0] if together is None else fuse(self.localizer, found, together, self.asked.options)


def read_settings(flags: Mapping[str, object], settings_file: Path | None) -> ServiceSettings:
    """Read the settings of the server for a command that asks one map; unknown variables are told on standard error.

    Args:
        flags: By the name of the setting; None where a flag was not given. They win over environment and file.
        settings_file: A TOML file, or None.

    Raises:
        InvalidInput: A value does not fit its setting, or no map or more than one is named.
    """
    settings = load_settings(flags, None if settings_file is None else settings_from(settings_file))
    notes = error_console()
    for sentence in (*unknown_environment_names(os.environ), *settings.notes):
        notes.print(sentence, soft_wrap=True, markup=False)
    if len(settings.maps) > 1:
        named = " or ".join(map(str, settings.maps))
        raise InvalidInput(f"the settings name {len(settings.maps)} maps: say which with --map, {named}")
    return settings


@contextmanager
def asked_map(
    settings: ServiceSettings,
    *,
    candidates: int | None,
    shortlist: int | None,
    rerank: Rerank | None,
    min_confidence: float | None = None,
    prior: AskedPrior = NOTHING_KNOWN,
    together: Together | None = None,
) -> Iterator[AskedMap]:
    """Open the map of the settings; it is closed at the end.

    Args:
        settings: From ``read_settings``.
        candidates: How many candidates each photo asks for; None for what the settings say, as in a request.
        shortlist: Likewise for the candidates to re-rank.
        rerank: Likewise for re-ranking.
        min_confidence: The least confidence of an answer called ``localized``; None for any.
        prior: What is known beforehand of each photo.
        together: How several photos belong together.

    Raises:
        PlacefixError: Map or network cannot be loaded, or the numbers do not go together.
    """
    loaded, defaults = load_configured(settings)
    try:
        [localizer] = loaded.localizers.values()
        options = defaults.options(candidates, shortlist, rerank=rerank, min_confidence=min_confidence)
        yield AskedMap(localizer, Asked(options, prior, together), settings.image_limits)
    finally:
        loaded.close()
