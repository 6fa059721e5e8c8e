"""Hold pictures that the service offers to ask with; they are recognised before the service starts."""

from dataclasses import dataclass
from pathlib import Path

from model.geo import LatLon
from service.errors import SampleNotFound


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold a picture to ask with.

    Attributes:
        id: The id in requests; unique.
        path: The path of the file.
        media_type: The type of its bytes, such as ``image/jpeg``.
        position: The position where it was taken; None if unknown.
        heading_deg: The direction of the camera, clockwise from true north, in [0, 360); None if unknown.
        condition: A word or two, such as ``night`` or ``heavy rain``; None if unknown.
    """

    id: str
    path: Path
    media_type: str
    position: LatLon | None = None
    heading_deg: float | None = None
    condition: str | None = None

    def read(self) -> bytes:
        """Return the bytes of the file.

        Raises:
            SampleNotFound: The file has gone since the service started.
        """
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise SampleNotFound(f"the sample {self.id} cannot be read any more") from error
