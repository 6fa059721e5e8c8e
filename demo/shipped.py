"""What is shipped with the demo: pictures of some streets, and a network that was trained on others.

::

    DIR/weights.safetensors         the network
       /MODEL_CARD.md               what it is, and what it cannot do
       /calibration.json            how sure the answers of the map are
       /pictures/database/*.jpg     what the map is built from; they say themselves where they were taken
       /pictures/database.csv       the same as a table
       /pictures/queries/*.jpg      later visits, to ask with
       /pictures/queries.csv        where these were taken, and in what condition
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model.errors import InvalidInput


@dataclass(frozen=True)
class ShippedTown:
    """Where everything lies below one folder.

    Attributes:
        root: The folder.
    """

    root: Path

    @property
    def weights(self) -> Path:
        """The network."""
        return self.root / "weights.safetensors"

    @property
    def calibration(self) -> Path:
        """The calibration of the map, made from pictures that are not shipped."""
        return self.root / "calibration.json"

    @property
    def pictures(self) -> Path:
        """Both kinds of pictures, with their tables; a folder of samples as ``placefix serve`` takes it."""
        return self.root / "pictures"

    @property
    def database(self) -> Path:
        """A folder of pictures of the map."""
        return self.pictures / "database"

    @property
    def query_list(self) -> Path:
        """The table of the queries."""
        return self.pictures / "queries.csv"

    def query_files(self) -> Iterator[Path]:
        """The queries and their table, relative to ``pictures``."""
        yield self.query_list.relative_to(self.pictures)
        for path in sorted(self.pictures.glob("queries/*.jpg")):
            yield path.relative_to(self.pictures)

    def check(self) -> None:
        """Finds out whether all of it is there.

        Raises:
            InvalidInput: Something is missing.
        """
        if not self.weights.is_file():
            raise InvalidInput(
                f"{self.weights} is missing: the demo comes with it; demo/README.md says how such weights are trained"
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
