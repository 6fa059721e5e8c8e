"""When too many pictures of a collection are left out."""

from collections.abc import Iterable
from pathlib import Path

from index_builder.errors import NothingUsable, TooManyRejected
from index_builder.sources.listing import SourceListing
from model.durable import write_atomically
from model.errors import InvalidInput
from place_map.left_out import LeftOut, left_out_csv


class LeftOutTally:
    """What was left out so far, and whether that is still acceptable.

    Args:
        listing: What the source said.
        max_rejected: Share of the pictures found in the source that may be rejected, in [0, 1].
        report_path: Where the list is written if the build has to be given up.
        found: Pictures in the source, if the listing has not all of them; None: those of the listing.

    Raises:
        TooManyRejected: The source itself had to reject too many.
    """

    def __init__(
        self, listing: SourceListing, max_rejected: float, report_path: Path, found: int | None = None
    ) -> None:
        if not 0 <= max_rejected <= 1:
            raise InvalidInput(f"the share of pictures that may be rejected is {max_rejected}; it must be in [0, 1]")
        self._entries: list[LeftOut] = []
        self._found = len(listing) if found is None else found
        self._max_rejected = max_rejected
        self._report_path = report_path
        self._first_rejected: LeftOut | None = None
        self.rejected = 0
        self.add(listing.left_out)

    @property
    def skipped(self) -> int:
        """Pictures without a usable position."""
        return len(self._entries) - self.rejected

    def add(self, entries: Iterable[LeftOut]) -> None:
        """Takes more pictures that are left out.

        Raises:
            TooManyRejected: More are rejected now than was allowed; the list so far has been written.
        """
        for entry in entries:
            self._entries.append(entry)
            if entry.outcome == "rejected":
                self.rejected += 1
                self._first_rejected = self._first_rejected or entry
        # A quotient, as the limit is one: 0.29 · 100 is less than 29 in floating point, 29 / 100 is 0.29.
        if self._first_rejected is not None and self.rejected / self._found > self._max_rejected:
            self._write_report()
            raise TooManyRejected(
                f"{self.rejected} of {self._found} pictures cannot be read, more than the {self._max_rejected:.4g} "
                f"that --max-rejected allows; the first is {self._first_rejected.path}: {self._first_rejected.reason}. "
                f"Nothing was published; the list is in {self._report_path}. Repair these pictures or allow more, and "
                "the same command continues; or remove them, and begin anew with --restart"
            )

    def check_usable(self, placed: int) -> None:
        """Makes sure that there is something to make a map of.

        Raises:
            NothingUsable: No picture is placed; the list has been written.
        """
        if placed == 0:
            self._write_report()
            raise NothingUsable(
                f"none of the {self._found} pictures can go into a map ({self.skipped} without a usable position, "
                f"{self.rejected} that cannot be read); each with its reason in {self._report_path}"
            )

    @property
    def entries(self) -> tuple[LeftOut, ...]:
        """Everything that was left out."""
        return tuple(self._entries)

    def _write_report(self) -> None:
        write_atomically(self._report_path, left_out_csv({0: self._entries}))
