"""What happens to a batch on the device's thread: encoded together, answered one after the other.

What goes wrong with one picture stays with it: a batch that fails is repeated one by one. A batch that does not fit the
device's memory is halved, and later ones are smaller until that many have fitted for a while.
"""

import time
from collections.abc import Sequence
from typing import Generic, TypeVar

from service.errors import Overloaded
from service.heartbeat import Heartbeat
from service.processor import BatchObserver, Processor
from service.tickets import Answered, Ticket

Item = TypeVar("Item")
Encoded = TypeVar("Encoded")
Result = TypeVar("Result")

_FULL_BATCHES_UNTIL_LARGER = 100  # that fitted: then one picture more is tried

_NO_MEMORY = "the device has no memory for this picture at the moment; try again, or ask for a shorter shortlist"


class BatchRunner(Generic[Item, Encoded, Result]):
    """Answers batches with a processor.

    Attributes:
        limit: Pictures that are encoded together at most; less than was asked for after the memory was not enough.
        forward_at: When the device last encoded something, on the clock of ``time.monotonic``.
    """

    def __init__(
        self,
        processor: Processor[Item, Encoded, Result],
        heartbeat: Heartbeat,
        observer: BatchObserver,
        max_batch_size: int,
    ) -> None:
        self.limit = max_batch_size
        self.forward_at = time.monotonic()  # loading ends with a query
        self._processor = processor
        self._heartbeat = heartbeat
        self._observer = observer
        self._max_batch_size = max_batch_size
        self._full_batches = 0

    def run(self, batch: Sequence[Ticket[Item, Result]]) -> None:
        """Answers all of a batch.

        Raises:
            BaseException: One of the processor's fatal errors, or one that is no ``Exception``; then some have no
                answer.
        """
        processor = self._processor
        encode_start = time.monotonic()
        batch[0].has_begun = True
        is_too_large = False
        try:
            encoded = processor.encode([ticket.item for ticket in batch])
        except processor.fatal_errors:
            raise
        except processor.memory_errors:
            is_too_large = True
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to one request and must reach that one
            if len(batch) == 1:
                batch[0].fail(error)
                return
            for ticket in batch:
                self.run([ticket])
            return
        if is_too_large:  # no longer in the except block, where the error keeps what was allocated
            self._run_in_parts(batch)
            return
        self.forward_at = encode_end = time.monotonic()
        self._heartbeat.beat()
        self._has_fitted(len(batch))
        for ticket, features in zip(batch, encoded, strict=True):
            waited_s = (encode_start - ticket.enqueued_at) + (time.monotonic() - encode_end)
            self._answer(ticket, features, waited_s)

    def probe(self) -> None:
        """Has the device encode something that nobody asked for, to see that it can.

        Raises:
            BaseException: It cannot.
        """
        self._processor.probe()
        self.forward_at = time.monotonic()

    def _answer(self, ticket: Ticket[Item, Result], features: Encoded, waited_s: float) -> None:
        processor, heartbeat = self._processor, self._heartbeat
        ticket.has_begun = True

        def is_wanted() -> bool:
            heartbeat.beat()
            return ticket.is_wanted()

        try:
            result = processor.answer(ticket.item, features, is_wanted)
        except processor.fatal_errors:
            raise
        except processor.memory_errors:
            ticket.fail(Overloaded(_NO_MEMORY))
        except Exception as error:  # noqa: BLE001 - as above
            ticket.fail(error)
        else:
            ticket.give(Answered(result, waited_s))
        heartbeat.beat()

    def _run_in_parts(self, batch: Sequence[Ticket[Item, Result]]) -> None:
        self._processor.free_memory()
        self._observer.batch_too_large(len(batch))
        self._full_batches = 0
        if len(batch) == 1:
            self.limit = 1
            batch[0].fail(Overloaded(_NO_MEMORY))
            return
        self.limit = min(self.limit, len(batch) // 2)
        done = 0
        while done < len(batch):  # a part that does not fit either makes those after it smaller, too
            part = batch[done : done + self.limit]
            self.run(part)
            done += len(part)

    def _has_fitted(self, size: int) -> None:
        if size < self.limit or self.limit == self._max_batch_size:
            return
        self._full_batches += 1
        if self._full_batches >= _FULL_BATCHES_UNTIL_LARGER:
            self.limit, self._full_batches = self.limit + 1, 0
