"""The choice of the shipped pictures from the test split, by a rule that uses no results."""

from collections.abc import Sequence

from demo.rendering.shots import Condition
from demo.rendering.splits import SPLITS
from model.errors import InvalidInput

Row = dict[str, str]

STREETS = SPLITS["test"].streets[:3]

# The order of the list: fair weather first, then less light, bad weather, and the night.
QUERIES_PER_STREET: dict[Condition, int] = {
    "sun": 3,
    "overcast": 3,
    "dusk": 3,
    "rain": 2,
    "snow": 2,
    "fog": 2,
    "night": 5,
}


def choose_database(rows: Sequence[Row]) -> list[Row]:
    """Return all pictures of the first streets of the split.

    Args:
        rows: The rows of the split's ``database.csv``.

    Raises:
        InvalidInput: A street lacks pictures.
    """
    chosen = [row for street in STREETS for row in rows if row["street"] == str(street)]
    expected = len(STREETS) * SPLITS["test"].database_per_street
    if len(chosen) != expected:
        raise InvalidInput(
            f"streets {_streets()} have {len(chosen)} pictures in database.csv and not {expected}; render them all: "
            f"python -m demo render --split test --streets {len(STREETS)}"
        )
    return chosen


def choose_queries(rows: Sequence[Row]) -> list[Row]:
    """Choose the number of queries for every condition and street, spread evenly over the queries of the condition.

    If a street has ``n`` queries of a condition, in their order along the street, and ``k`` are needed, each is the
    middle one of a k-th of them.

    Args:
        rows: The rows of the split's ``queries.csv``.

    Returns:
        The queries condition by condition, the easy ones first, each from street to street.

    Raises:
        InvalidInput: A street has too few queries of a condition.
    """
    chosen: list[Row] = []
    for condition, count in QUERIES_PER_STREET.items():
        for street in STREETS:
            there = [row for row in rows if row["street"] == str(street) and row["condition"] == condition]
            if len(there) < count:
                raise InvalidInput(
                    f"street {street} has {len(there)} queries of the condition {condition} in queries.csv and not "
                    f"{count} or more; render it: python -m demo render --split test --streets {len(STREETS)}"
                )
            there.sort(key=lambda row: float(row["along_m"]))
            chosen += [there[(2 * number + 1) * len(there) // (2 * count)] for number in range(count)]
    return chosen


def _streets() -> str:
    return ", ".join(map(str, STREETS))
