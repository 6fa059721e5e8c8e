"""What a device worker needs to be given: somebody who does the work, and somebody who is told."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

Item_contra = TypeVar("Item_contra", contravariant=True)
Encoded = TypeVar("Encoded")
Result_co = TypeVar("Result_co", covariant=True)


class Processor(Protocol[Item_contra, Encoded, Result_co]):
    """What is done with requests on the worker thread.

    Attributes:
        fatal_errors: Errors after which the device cannot be used any more; they end the worker.
        memory_errors: Errors that say that the device's memory is not enough for so much at a time.
    """

    fatal_errors: tuple[type[BaseException], ...]
    memory_errors: tuple[type[BaseException], ...]

    def expected_s(self, item: Item_contra) -> float:
        """Seconds that an item will take, by what others took; called on any thread."""
        ...

    def encode(self, items: Sequence[Item_contra]) -> Sequence[Encoded]:
        """The work that is shared by a batch; one result for each item."""
        ...

    def answer(self, item: Item_contra, encoded: Encoded, is_wanted: Callable[[], bool]) -> Result_co:
        """The work of one item; it may give up once ``is_wanted`` says no."""
        ...

    def probe(self) -> None:
        """A small piece of the same work, whose result nobody needs; raises if it cannot be done."""
        ...

    def free_memory(self) -> None:
        """Gives up what is kept for later; called after a memory error."""
        ...


class BatchObserver(Protocol):
    """Is told what happens to requests, on any thread."""

    def batch_taken(self, size: int) -> None:
        """A batch goes to the device."""
        ...

    def entry_dropped(self, reason: str) -> None:
        """An entry was dropped before the device: ``client_gone`` or ``deadline``."""
        ...

    def batch_too_large(self, size: int) -> None:
        """The device's memory was not enough for a batch of this size."""
        ...
