"""Asks one map with photos, under the settings that the server reads: the same answer without a server."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from model.errors import InvalidInput
from model.images import ImageLimits
from placefix.console import error_console
from service.configured_maps import load_configured
from service.decoding import decode_query
from service.localization import Localization
from service.localizer import Localizer, encode_queries
from service.query_options import QueryOptions, Rerank
from service.settings import ServiceSettings, load_settings, unknown_environment_names
from service.settings_file import settings_from
from service.stages import Stage, StageClock


@dataclass(frozen=True)
class AskedMap:
    """A map to ask with photos.

    Attributes:
        localizer: Finds them.
        options: What each photo asks for.
        limits: What a photo may be like.
    """

    localizer: Localizer
    options: QueryOptions
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
            image = decode_query(photo, self.limits, self.localizer.preparation)
        [encoded] = encode_queries(self.localizer.encoder, image[None])
        found = self.localizer.localize(encoded, self.options)
        return replace(found, seconds={**clock.seconds, **found.seconds})


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
    settings: ServiceSettings, *, candidates: int | None, shortlist: int | None, rerank: Rerank | None
) -> Iterator[AskedMap]:
    """Open the map of the settings; it is closed at the end.

    Args:
        settings: From ``read_settings``.
        candidates: How many candidates each photo asks for; None for what the settings say, as in a request.
        shortlist: Likewise for the candidates to re-rank.
        rerank: Likewise for re-ranking.

    Raises:
        PlacefixError: Map or network cannot be loaded, or the numbers do not go together.
    """
    loaded, defaults = load_configured(settings)
    try:
        [localizer] = loaded.localizers.values()
        options = defaults.options(candidates, shortlist, rerank=rerank)
        yield AskedMap(localizer, options, settings.image_limits)
    finally:
        loaded.close()
