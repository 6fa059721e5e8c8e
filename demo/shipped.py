"""The shipped files of the demo: pictures of some streets, and a network that was trained on others.

::

    DIR/weights.safetensors         the network
       /MODEL_CARD.md               its description and its limits
       /calibration.json            how sure the answers of the map are
       /pictures/database/*.jpg     the pictures of the map, with positions in EXIF
       /pictures/database.csv       the same as a table
       /pictures/queries/*.jpg      later visits, to ask with
       /pictures/queries.csv        their positions and conditions
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model.errors import InvalidInput


@dataclass(frozen=True)
class ShippedTown:
    """Name the files below one folder.

    Attributes:
        root: The folder.
    """

    root: Path

    @property
    def weights(self) -> Path:
        """Return the file of the network."""
        return self.root / "weights.safetensors"

    @property
    def calibration(self) -> Path:
        """Return the calibration of the map, made from pictures that are not shipped."""
        return self.root / "calibration.json"

    @property
    def pictures(self) -> Path:
        """Return the folder of all pictures with their tables, which ``placefix serve`` takes as samples."""
        return self.root / "pictures"

    @property
    def database(self) -> Path:
        """Return the folder of the map's pictures."""
        return self.pictures / "database"

    @property
    def query_list(self) -> Path:
        """Return the table of the queries."""
        return self.pictures / "queries.csv"

    def query_files(self) -> Iterator[Path]:
        """Return the queries and their table, relative to ``pictures``."""
        yield self.query_list.relative_to(self.pictures)
        for path in sorted(self.pictures.glob("queries/*.jpg")):
            yield path.relative_to(self.pictures)

    def check(self) -> None:
        """Check that all files exist.

        Raises:
            InvalidInput: A file is missing.
        """
        if not self.weights.is_file():
            raise InvalidInput(
                f"{self.weights} is missing: the demo comes with it; demo/README.md says how to train them"
            )
        if not self.calibration.is_file():
            raise InvalidInput(
                f"{self.calibration} is missing: the demo comes with it; demo/README.md says how it is made"
            )
        if not (self.query_list.is_file() and any(self.database.glob("*.jpg"))):
            raise InvalidInput(
                f"{self.pictures} lacks pictures or queries.csv: the demo comes with them; python -m demo ship makes "
                "them from a rendered split"
            )


SHIPPED = ShippedTown(Path(__file__).parent / "town")
