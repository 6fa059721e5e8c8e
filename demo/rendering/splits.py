"""The purpose of each street of the town, and the number of pictures in it."""

from dataclasses import dataclass

SEED = "nemo"
STREET_LENGTH_M = 200.0


@dataclass(frozen=True)
class Split:
    """Describe a part of the town; no street is in two parts.

    Attributes:
        name: Its purpose.
        streets: Numbers of its streets.
        stations: Places in each street where database pictures are taken, in both directions.
        step_m: From one station to the next, in metres.
        views: Pictures of the database at each station and in each direction.
        queries: Query pictures in each street.
    """

    name: str
    streets: tuple[int, ...]
    stations: int
    step_m: float
    views: int
    queries: int

    @property
    def database_per_street(self) -> int:
        """Return the number of database pictures in each street."""
        return self.stations * 2 * self.views


SPLITS: dict[str, Split] = {
    split.name: split
    for split in (
        Split("pretrain", tuple(range(96)), stations=25, step_m=8.0, views=5, queries=0),
        Split("train", tuple(range(96, 128)), stations=33, step_m=6.0, views=1, queries=84),
        Split("val", tuple(range(128, 136)), stations=33, step_m=6.0, views=1, queries=60),
        Split("test", tuple(range(136, 152)), stations=33, step_m=6.0, views=1, queries=132),
    )
}
