"""The answers of an unfinished run, kept one by one, so that the run can be continued."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from model.errors import InvalidInput
from placefix.answers.outcome import FAILED, Outcome


def journal_path(out: Path) -> Path:
    """Return the path of the journal for a file of answers."""
    return out.with_name(f"{out.name}.unfinished.jsonl")


class Journal:
    """Keep answers, one a line, below a line that states the question.

    Attributes:
        path: The file of the journal.
    """

    def __init__(self, path: Path, asked: Mapping[str, str]) -> None:
        """Begin a journal, or continue the journal of an interrupted run.

        Args:
            path: The file; it may exist from an interrupted run.
            asked: The question about all photos, and the server or map that is asked.

        Raises:
            InvalidInput: The file answers another question, or is not a journal.
        """
        self.path = path
        self._places: dict[str, int] = {}
        self._answered: set[str] = set()
        self._file = path.open("a+b")
        try:
            self._read(dict(asked))
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        """Return the number of photos that have an answer."""
        return len(self._answered)

    def __contains__(self, photo: str) -> bool:
        return photo in self._answered

    def add(self, outcome: Outcome) -> None:
        """Keep the outcome of a photo; it survives a kill from now on."""
        self._places[outcome.photo] = self._file.seek(0, 2)
        self._file.write(f"{outcome.to_json()}\n".encode("utf-8", "backslashreplace"))
        self._file.flush()
        if outcome.status != FAILED:
            self._answered.add(outcome.photo)

    def outcomes(self, photos: Iterable[str]) -> Iterator[Outcome]:
        """Read the outcomes of photos, in order."""
        for photo in photos:
            self._file.seek(self._places[photo])
            yield Outcome.from_json(self._file.readline())

    def remove(self) -> None:
        """Remove the file, after its answers were written elsewhere."""
        self._file.close()
        self.path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        if not self._places:  # no outcome was added
            self.path.unlink(missing_ok=True)

    def _read(self, asked: dict[str, str]) -> None:
        self._file.seek(0)
        head = self._file.readline()
        if not head.endswith(b"\n"):  # new, or killed before its first line was whole
            self._file.truncate(0)
            self._file.write(f"{json.dumps({'asked': asked}, ensure_ascii=False)}\n".encode())
            self._file.flush()
            return
        self._check(head, asked)
        place = self._file.tell()
        while (line := self._file.readline()).endswith(b"\n"):
            try:
                outcome = Outcome.from_json(line)
            except ValueError as error:
                raise InvalidInput(f"{self.path} is damaged ({error}): begin anew with --restart") from error
            self._places[outcome.photo] = place
            if outcome.status != FAILED:  # others are asked about again
                self._answered.add(outcome.photo)
            place = self._file.tell()
        self._file.truncate(place)  # a killed run leaves half a line

    def _check(self, head: bytes, asked: dict[str, str]) -> None:
        try:
            before = json.loads(head)["asked"]
            names = [name for name in {**before, **asked} if before.get(name) != asked.get(name)]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise InvalidInput(f"{self.path} is in the way and is not a journal of Placefix: remove it") from error
        if names:
            differences = ", ".join(f"{name} was {before.get(name)}, is {asked.get(name)}" for name in names)
            raise InvalidInput(
                f"{self.path} has the answers of an interrupted run with another question ({differences}): finish it "
                "with the same options, or begin anew with --restart"
            )
