"""Pictures that the service offers to ask with; what they are is found out before the service starts."""

from dataclasses import dataclass
from pathlib import Path

from model.geo import LatLon
from service.errors import SampleNotFound


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture to ask with.

    Attributes:
        id: What requests call it; unique.
        path: Where it lies.
        media_type: Of its bytes, as ``image/jpeg``.
        position: Where it was taken; None if nothing says so.
        heading_deg: Where the camera looked, clockwise from true north, in [0, 360); None if unknown.
        condition: A word or two, as ``night`` or ``heavy rain``; None if nothing is said.
    """

    id: str
    path: Path
    media_type: str
    position: LatLon | None = None
    heading_deg: float | None = None
    condition: str | None = None

    def read(self) -> bytes:
        """The file's bytes.

        Raises:
            SampleNotFound: It has gone since the service started.
        """
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise SampleNotFound(f"the sample {self.id} cannot be read any more") from error
