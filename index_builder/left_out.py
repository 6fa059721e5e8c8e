"""When too many pictures of the collections are left out."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from index_builder.errors import NothingUsable, TooManyRejected
from index_builder.sources.likely_reasons import likely_reasons
from index_builder.sources.listing import SourceListing
from model.durable import write_atomically
from model.errors import InvalidInput
from place_map.left_out import LeftOut, left_out_csv


class LeftOutTally:
    """What was left out so far, and whether that is still acceptable.

    Args:
        listings: Source → the collection as it was read.
        max_rejected: Share of the pictures found in the collections that may be rejected, in [0, 1].
        report_path: Where the list is written if the run has to be given up.

    Raises:
        TooManyRejected: The collections themselves had to reject too many.
    """

    def __init__(self, listings: Mapping[int, SourceListing], max_rejected: float, report_path: Path) -> None:
        if not 0 <= max_rejected <= 1:
            raise InvalidInput(f"the share of pictures that may be rejected is {max_rejected}; it must be in [0, 1]")
        self._by_source: dict[int, list[LeftOut]] = {}
        self._listings = tuple(listings.values())
        self._found = sum(len(listing) for listing in listings.values())
        self._max_rejected = max_rejected
        self._report_path = report_path
        self._first_rejected: LeftOut | None = None
        self.skipped = 0
        self.rejected = 0
        for source, listing in listings.items():
            self.add(source, listing.left_out)

    def add(self, source: int, entries: Iterable[LeftOut]) -> None:
        """Take more pictures of a source that are left out.

        Raises:
            TooManyRejected: More are rejected now than was allowed; the list so far has been written.
        """
        for entry in entries:
            self._by_source.setdefault(source, []).append(entry)
            if entry.outcome == "rejected":
                self.rejected += 1
                self._first_rejected = self._first_rejected or entry
            else:
                self.skipped += 1
        # A quotient, as the limit is one: 0.29 · 100 is less than 29 in floating point, 29 / 100 is 0.29.
        if self._first_rejected is not None and self.rejected / self._found > self._max_rejected:
            self._write_report()
            raise TooManyRejected(
                f"{self.rejected} of {self._found} pictures cannot be read, more than the {self._max_rejected:.4g} "
                f"that --max-rejected allows; the first is {self._first_rejected.path}: {self._first_rejected.reason}. "
                f"Nothing was published; the list is in {self._report_path}. Repair these pictures or allow more, and "
                "the same command continues; or remove them, and begin anew with --restart"
            )

    def nothing_usable(self) -> NothingUsable:
        """Write the list, and return the error for collections of which no picture could be placed."""
        self._write_report()
        return nothing_usable(self._listings, self.skipped, self.rejected, self._report_path)

    @property
    def by_source(self) -> dict[int, tuple[LeftOut, ...]]:
        """Source → everything of it that was left out."""
        return {source: tuple(entries) for source, entries in self._by_source.items()}

    def _write_report(self) -> None:
        write_atomically(self._report_path, left_out_csv(self._by_source))


def nothing_usable(listings: Sequence[SourceListing], skipped: int, rejected: int, report_path: Path) -> NothingUsable:
    """Return the error for collections of which no picture can go into a map, with the likeliest reasons.

    Args:
        listings: The collections.
        skipped: How many pictures have no usable position.
        rejected: How many cannot be read.
        report_path: Where each is listed with its reason.
    """
    reasons = likely_reasons(listings)
    told = f". The likeliest reasons: {'; '.join(reasons)}" if reasons else ""
    return NothingUsable(
        f"no picture can go into a map ({skipped:,} without a usable position, "
        f"{rejected:,} that cannot be read); each with its reason in {report_path}{told}"
    )
