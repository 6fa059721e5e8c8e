"""The rule of the choice of shipped pictures, and the shipped pictures against the rule."""

from collections import Counter
from itertools import pairwise

import pytest

from demo.choice import QUERIES_PER_STREET, STREETS, Row, choose_database, choose_queries
from demo.rendering.render import read_table
from demo.rendering.shots import Shot, shots_of
from demo.rendering.splits import STREET_LENGTH_M
from demo.shipped import SHIPPED
from model.errors import InvalidInput


def rows(shots: tuple[Shot, ...]) -> list[Row]:
    return [
        {
            "path": shot.path,
            "street": str(shot.street),
            "condition": shot.condition,
            "along_m": f"{shot.camera.along_m:.3f}",
        }
        for shot in shots
    ]


def paths(chosen: list[Row]) -> list[str]:
    return [row["path"] for row in chosen]


def test_three_streets_are_shipped_whole() -> None:
    chosen = choose_database(rows(shots_of("test")[0]))
    assert len(chosen) == 198
    assert {int(row["street"]) for row in chosen} == {136, 137, 138}


def test_sixty_queries_come_from_every_condition_and_street() -> None:
    chosen = choose_queries(rows(shots_of("test")[1]))
    counts = Counter(row["condition"] for row in chosen)
    assert counts == {"sun": 9, "overcast": 9, "dusk": 9, "rain": 6, "snow": 6, "fog": 6, "night": 15}
    assert set(Counter(row["street"] for row in chosen).values()) == {20}
    assert len(set(paths(chosen))) == 60
    assert list(dict.fromkeys(row["condition"] for row in chosen)) == list(QUERIES_PER_STREET)


def test_queries_of_a_condition_are_spread_over_the_street() -> None:
    chosen = choose_queries(rows(shots_of("test")[1]))
    for street in STREETS:
        along_m = [
            float(row["along_m"]) for row in chosen if row["street"] == str(street) and row["condition"] == "night"
        ]
        steps_m = [there - here for here, there in pairwise([0, *along_m, STREET_LENGTH_M])]
        assert min(steps_m) > 10
        assert max(steps_m) < 70


def test_whole_split_and_its_first_streets_give_the_same_in_any_order() -> None:
    whole, first = (shots_of("test", streets) for streets in (None, 3))
    for side, choose in enumerate((choose_database, choose_queries)):
        assert paths(choose(rows(whole[side]))) == paths(choose(rows(first[side])))
    assert paths(choose_queries(rows(whole[1])[::-1])) == paths(choose_queries(rows(whole[1])))


def test_what_is_shipped_was_chosen_by_the_rule() -> None:
    database, queries = (rows(shots) for shots in shots_of("test", 3))
    assert paths(read_table(SHIPPED.pictures / "database.csv")) == paths(choose_database(database))
    assert paths(read_table(SHIPPED.query_list)) == paths(choose_queries(queries))


def test_street_that_is_not_whole_is_refused() -> None:
    database, queries = (rows(shots) for shots in shots_of("test", 3))
    with pytest.raises(InvalidInput, match=r"have 197 pictures in database\.csv and not 198"):
        choose_database(database[1:])
    with pytest.raises(InvalidInput, match="street 136 has 0 queries of the condition fog"):
        choose_queries([row for row in queries if row["condition"] != "fog"])
