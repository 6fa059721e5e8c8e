"""Limit the bytes of all bodies that are in memory at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import Overloaded


class BodyBudget:
    """Count the bytes of all bodies; used on the event loop's thread alone.

    Attributes:
        held_bytes: The bytes that all bodies together hold, or will hold as their requests announce.
    """

    def __init__(self, max_bytes: int) -> None:
        self.held_bytes = 0
        self._max_bytes = max_bytes

    @contextmanager
    def lease(self) -> Iterator["BodyLease"]:
        """Hold a body while the block lasts, or until the lease is released."""
        lease = BodyLease(self)
        try:
            yield lease
        finally:
            lease.release()

    def add(self, count: int) -> None:
        """Hold this many bytes more.

        Raises:
            Overloaded: These would be too many; nothing has changed.
        """
        if self.held_bytes + count > self._max_bytes:
            raise Overloaded(f"bodies of {self._max_bytes} bytes are being received already; try again in a moment")
        self.held_bytes += count


class BodyLease:
    """Hold the bytes of one request's body."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._bytes = 0

    def grow_to(self, count: int) -> None:
        """Hold this many bytes, if they are more than before.

        Raises:
            Overloaded: All bodies together would be too large.
        """
        if count > self._bytes:
            self._budget.add(count - self._bytes)
            self._bytes = count

    def release(self) -> None:
        """Hold no bytes any more."""
        self._budget.held_bytes -= self._bytes
        self._bytes = 0
