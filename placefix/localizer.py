"""A map on this machine that a program asks, with the same answers as from a server."""

import os
import threading
import warnings
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from model.device import DeviceName
from model.errors import InvalidInput
from placefix.asking import opened_map, read_settings
from placefix.client.question import Photo, Question, check_names, source_of
from service.schemas.answer import LocalizationAnswer


class Localizer:
    """Find where photos were taken, by a map on this machine. Threads may share it; it answers one at a time.

    Example::

        with Localizer("maps/town") as localizer:
            answer = localizer.localize("photo.jpg")
    """

    def __init__(
        self,
        map: str | os.PathLike[str] | None = None,  # noqa: A002
        *,
        weights: str | os.PathLike[str] | None = None,
        device: DeviceName | None = None,
        settings: str | os.PathLike[str] | None = None,
    ) -> None:
        """Open the map, and load the network that it was built with.

        It uses the settings of the server: these arguments take precedence over environment variables
        ``PLACEFIX_<NAME>``, and these over a file of settings.

        Args:
            map: The directory of the map; by default the map of the settings.
            weights: A checkpoint file or a known name; by default the file that the map was built with.
            device: ``auto``, ``cuda`` or ``cpu``.
            settings: A TOML file with settings of the server.

        Raises:
            PlacefixError: Map or network cannot be loaded, or a setting does not fit.
        """
        read = read_settings(
            {
                "maps": None if map is None else (Path(map),),
                "weights": None if weights is None else os.fspath(weights),
                "device": device,
            },
            None if settings is None else Path(settings),
            tell=lambda sentence: warnings.warn(sentence, stacklevel=2),
        )
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._opened = self._stack.enter_context(opened_map(read))
        self._is_open = True

    def localize(self, *photos: Photo, **question: Unpack[Question]) -> LocalizationAnswer:
        """Say where a photo was taken, or several that belong together.

        Args:
            photos: One; or several, with ``together`` to say how they belong together.
            question: See ``Question``.

        Raises:
            ImageError: A photo cannot be used; ``code`` says why.
            InvalidInput: The question contradicts itself, a number is out of its range, no photo was given, one is an
                address, or the localizer is closed.
            TypeError: The question says something that there is not.
        """
        check_names(question)
        sources = [source_of(photo) for photo in photos]
        with self._lock:
            if not self._is_open:
                raise InvalidInput("the localizer is closed: open another one")
            return self._opened.asking(question, len(sources)).answer(sources)

    def close(self) -> None:
        """Close the map."""
        with self._lock:
            self._is_open = False
            self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
