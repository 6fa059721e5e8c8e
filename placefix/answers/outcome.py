"""The outcome of a question about one photo: an answer, or the reason why there is none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from placefix.answers.estimate import Estimate
from service.schemas.answer import FROM_LATER_RELEASES, LocalizationAnswer

FAILED = "failed"
"""The status of an outcome without an answer."""


@dataclass(frozen=True)
class Failure:
    """Say why a photo has no answer.

    Attributes:
        code: The code of the error, which stays the same between releases.
        reason: The reason for people, without the name of the photo.
    """

    code: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """Hold the outcome of a question about one photo.

    Attributes:
        photo: The name of the photo.
        answer: The answer, or the reason why there is none.
    """

    photo: str
    answer: LocalizationAnswer | Failure

    @property
    def status(self) -> str:
        """Return the status of the answer, or ``failed``."""
        return FAILED if isinstance(self.answer, Failure) else self.answer.status

    def to_json(self) -> str:
        """Return a line of JSON: the answer of the server with a member ``photo``, or a code and a reason."""
        if isinstance(self.answer, Failure):
            members: Mapping[str, Any] = {
                "photo": self.photo,
                "status": FAILED,
                "code": self.answer.code,
                "reason": self.answer.reason,
            }
        else:
            members = {"photo": self.photo, **self.answer.model_dump(mode="json")}
        return json.dumps(members, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str | bytes) -> "Outcome":
        """Read a line that ``to_json`` has written.

        Raises:
            ValueError: The line was not written by ``to_json``.
        """
        members = json.loads(line)
        photo = members.pop("photo", None) if isinstance(members, dict) else None
        if photo is None:
            raise ValueError("it names no photo")
        if members.get("status") == FAILED:
            return cls(photo, Failure(str(members.get("code")), str(members.get("reason"))))
        return cls(photo, LocalizationAnswer.model_validate(members, context=FROM_LATER_RELEASES))

    def row(self) -> dict[str, str | float | int | None]:
        """Return a row of a table: ``COLUMNS`` in order, None for unknown values."""
        if isinstance(self.answer, Failure):
            known: dict[str, str | float | int | None] = {"error": self.answer.code, "reason": self.answer.reason}
        else:
            answer = self.answer
            best = answer.candidates[0] if answer.candidates else None
            estimate = Estimate.of(answer)
            known = {
                "latitude": None if answer.position is None else answer.position.latitude,
                "longitude": None if answer.position is None else answer.position.longitude,
                "confidence": answer.confidence,
                "radius_m": None if answer.accuracy is None else answer.accuracy.radius_m,
                "recognised_in": None if best is None else best.id,
                "mutual_matches": None if best is None else best.mutual_matches,
                "map": answer.map.name,
                "map_version": answer.map.version,
                "gps_processing_method": None if estimate is None else estimate.method,
                "request_id": answer.request_id,
            }
        return {name: known.get(name) for name in COLUMNS} | {"photo": self.photo, "status": self.status}


COLUMNS: Mapping[str, type] = {
    "photo": str,
    "status": str,
    "latitude": float,
    "longitude": float,
    "confidence": float,
    "radius_m": float,
    "recognised_in": str,
    "mutual_matches": int,
    "map": str,
    "map_version": str,
    "gps_processing_method": str,
    "request_id": str,
    "error": str,
    "reason": str,
}
"""The columns of a table of answers, and their types."""
