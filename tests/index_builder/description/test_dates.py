from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.description.dates import MOST_BINS, Dates, summarise_dates


def times(*values: str) -> np.ndarray:
    return np.array(values, dtype="datetime64[us]")


@pytest.mark.parametrize(
    ("first", "last", "unit", "labels", "count"),
    [
        ("2024-02-28T23:59", "2024-03-01T00:00", "day", ("2024-02-28", "2024-03-01"), 3),
        ("2024-01-31", "2024-02-24", "month", ("2024-01", "2024-02"), 2),
        ("2022-05-01", "2024-04-30", "month", ("2022-05", "2024-04"), 24),
        ("2022-05-01", "2024-05-01", "quarter", ("2022-Q2", "2024-Q2"), 9),
        ("2010-12-31", "2024-01-01", "year", ("2010", "2024"), 15),
        ("1970-01-01", "2024-01-01", "years", ("1970–1974", "2020–2024"), 11),
        ("0001-01-01", "9999-12-31T23:59:59.999999", "years", ("0–499", "9500–9999"), 20),
    ],
)
def test_bins_are_as_fine_as_24_of_them_allow(
    first: str, last: str, unit: str, labels: tuple[str, str], count: int
) -> None:
    dates = summarise_dates(times(last, first, "NaT"))
    assert (dates.known, dates.first, dates.last) == (2, datetime.fromisoformat(first), datetime.fromisoformat(last))
    assert dates.unit == unit
    assert (dates.bins[0].label, dates.bins[-1].label) == labels
    assert [each.pictures for each in dates.bins] == [1, *[0] * (count - 2), 1]


def test_every_bin_says_when_it_begins() -> None:
    bins = summarise_dates(times("2021-11-20", "2022-01-05", "2022-01-06")).bins
    assert [(each.first_day, each.pictures) for each in bins] == [
        (date(2021, 11, 1), 1),
        (date(2021, 12, 1), 0),
        (date(2022, 1, 1), 2),
    ]


@given(st.lists(st.datetimes(), min_size=1, max_size=30))
def test_every_picture_is_in_the_bin_of_its_time(taken: list[datetime]) -> None:
    dates = summarise_dates(np.array(taken, dtype="datetime64[us]"))
    assert 1 <= len(dates.bins) <= MOST_BINS
    assert sum(each.pictures for each in dates.bins) == len(taken)
    begins = [each.first_day for each in dates.bins] + [date.max]
    for number, each in enumerate(dates.bins):
        last = number == len(dates.bins) - 1
        inside = [
            time for time in taken if begins[number] <= time.date() and (last or time.date() < begins[number + 1])
        ]
        assert len(inside) == each.pictures


def test_no_time_is_known() -> None:
    assert summarise_dates(times("NaT", "NaT")) == Dates(0, None, None, None, ())
