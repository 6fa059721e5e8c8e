"""The pictures that are left out, and the errors if they are too many."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from index_builder.errors import NothingUsable, TooManyRejected
from index_builder.sources.likely_reasons import likely_reasons
from index_builder.sources.listing import SourceListing
from model.durable import write_atomically
from model.errors import InvalidInput
from place_map.left_out import LeftOut, left_out_csv


class LeftOutTally:
    """Collect the pictures that are left out, and stop the run when too many are rejected.

    Args:
        listings: Source → the collection as it was read.
        max_rejected: Share of the pictures found in the collections that may be rejected, in [0, 1].
        report_path: The file to which the list is written if the run stops.

    Raises:
        TooManyRejected: Too many pictures were rejected when the collections were read.
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
        """Add pictures of a source that are left out.

        Raises:
            TooManyRejected: More pictures are rejected than is allowed; the list so far has been written.
        """
        for entry in entries:
            self._by_source.setdefault(source, []).append(entry)
            if entry.outcome == "rejected":
                self.rejected += 1
                self._first_rejected = self._first_rejected or entry
            else:
                self.skipped += 1
        # The limit is a quotient, too: in floating point 0.29 · 100 is less than 29, but 29 / 100 is 0.29.
        if self._first_rejected is not None and self.rejected / self._found > self._max_rejected:
            self._write_report()
            raise TooManyRejected(
                f"{self.rejected} of {self._found} pictures cannot be read, more than the {self._max_rejected:.4g} "
                f"that --max-rejected allows; the first is {self._first_rejected.path}: {self._first_rejected.reason}. "
                f"Nothing was published; the list is in {self._report_path}. Repair these pictures or allow more, and "
                "the same command continues; or remove them, and begin anew with --restart"
            )

    def nothing_usable(self) -> NothingUsable:
        """Write the list, and return the error for collections without a usable picture."""
        self._write_report()
        return nothing_usable(self._listings, self.skipped, self.rejected, self._report_path)

    @property
    def by_source(self) -> dict[int, tuple[LeftOut, ...]]:
        """Return the pictures that were left out, by source."""
        return {source: tuple(entries) for source, entries in self._by_source.items()}

    def _write_report(self) -> None:
        write_atomically(self._report_path, left_out_csv(self._by_source))


def nothing_usable(listings: Sequence[SourceListing], skipped: int, rejected: int, report_path: Path) -> NothingUsable:
    """Return the error for collections without a usable picture, with the likeliest reasons.

    Args:
        listings: The collections.
        skipped: The number of pictures without a usable position.
        rejected: The number of pictures that cannot be read.
        report_path: The file that lists each picture with its reason.
    """
    reasons = likely_reasons(listings)
    told = f". The likeliest reasons: {'; '.join(reasons)}" if reasons else ""
    return NothingUsable(
        f"no picture can go into a map ({skipped:,} without a usable position, "
        f"{rejected:,} that cannot be read); each with its reason in {report_path}{told}"
    )
