"""Questions about many photos, some at a time, in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from model.picture_errors import ImageError
from placefix.answers.outcome import Failure, Outcome
from placefix.answers.photos import GivenPhoto
from placefix.client.errors import PhotoRefused
from service.schemas.answer import LocalizationAnswer

Ask = Callable[[Sequence[Path | bytes]], LocalizationAnswer]
"""A function that asks about one photo, or about several that belong together."""


def ask_all(photos: Iterable[GivenPhoto], ask: Ask, at_a_time: int) -> Iterator[Outcome]:
    """Ask about each photo alone.

    Args:
        photos: The photos, in order.
        ask: The function that asks; threads call it.
        at_a_time: The number of simultaneous questions.

    Yields:
        The outcome of each photo, in order. A photo that cannot be used does not stop the others.

    Raises:
        PlacefixError: An error that does not concern a single photo.
    """
    waiting = iter(photos)
    pool = ThreadPoolExecutor(at_a_time, thread_name_prefix="ask")
    try:
        asked: deque[Future[Outcome]] = deque(pool.submit(_outcome, each, ask) for each in islice(waiting, at_a_time))
        while asked:
            yield asked.popleft().result()
            asked.extend(pool.submit(_outcome, each, ask) for each in islice(waiting, 1))
    finally:
        pool.shutdown(cancel_futures=True)


def _outcome(photo: GivenPhoto, ask: Ask) -> Outcome:
    try:
        return Outcome(photo.name, ask([photo.source]))
    except (ImageError, PhotoRefused) as error:
        return Outcome(photo.name, Failure(error.code, _reason(error, photo)))


def _reason(error: ImageError | PhotoRefused, photo: GivenPhoto) -> str:
    """Return the message of an error without the name of the photo, which is printed beside it."""
    said = error.detail if isinstance(error, PhotoRefused) else error.message
    for name in (photo.name, "the file"):
        said = said.removeprefix(f"{name} ")
    return said
