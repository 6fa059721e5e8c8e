"""Times as collections write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.sources.times import parse_capture_time, parse_compact_time, parse_epoch_ms, parse_time

NAIVE = datetime(2024, 9, 23, 16, 6, 58)
IN_UTC = NAIVE.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-09-23T16:06:58", NAIVE),
        ("2024-09-23 16:06:58", NAIVE),
        ("2024:09:23 16:06:58", NAIVE),
        ("2024/09/23 16:06:58", NAIVE),
        (" 2024:09:23_16:06:58 ", NAIVE),
        ("2024-09-23T16:06:58Z", IN_UTC),
        ("2024-09-23T16:06:58.000+00:00", IN_UTC),
        ("2024:09:23 16:06:58-04:00", NAIVE.replace(tzinfo=timezone(timedelta(hours=-4)))),
        ("1727107618", IN_UTC),
        ("1727107618.0", IN_UTC),
        ("1727107618000", IN_UTC),
        ("2024-09-23", datetime(2024, 9, 23)),
        ("2024:09:23", datetime(2024, 9, 23)),
        ("20240923", datetime(2024, 9, 23)),
        ("20240923T160658", NAIVE),
        ("", None),
        ("2024", None),
        ("23.09.2024", datetime(2024, 9, 23)),
        ("23.9.2024 6:06", datetime(2024, 9, 23, 6, 6)),
        ("2024:09:23 16:06:58.25", NAIVE.replace(microsecond=250_000)),
        ("23/09/2024", None),
        ("31.09.2024", None),
        ("0000:00:00 00:00:00", None),
        ("2024:13:01 00:00:00", None),
        ("tomorrow", None),
        ("99999999999999999999", None),
        ("0001-01-01T00:00:00", datetime(1, 1, 1)),
        ("0001-01-01T00:00:00+14:00", None),  # in UTC, in which a map keeps it, this is before the year 1
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_times(text: str, expected: datetime | None) -> None:
    found = parse_time(text)
    assert found == expected
    if found is not None and expected is not None:
        assert found.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("2013", (2013, 1, 1)),
        ("201311", (2013, 11, 1)),
        ("20131105", (2013, 11, 5)),
        ("20131105_17", (2013, 11, 5, 17)),
        ("20131105_1730", (2013, 11, 5, 17, 30)),
        ("20131105_173059", (2013, 11, 5, 17, 30, 59)),
    ],
)
def test_compact_times(text: str, parts: tuple[int, ...]) -> None:
    assert parse_compact_time(text) == datetime(*parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "13", "20131", "20131301", "20131105-17", "0000", "201311_17", "x"])
def test_no_compact_times(text: str) -> None:
    assert parse_compact_time(text) is None


@given(st.text(max_size=30) | st.from_regex(r"[0-9:/. TZ+_-]{0,30}", fullmatch=True))
def test_nonsense_is_never_a_crash(text: str) -> None:
    assert isinstance(parse_time(text), datetime | None)
    assert isinstance(parse_compact_time(text), datetime | None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024_09_23_16_06_58_000", IN_UTC),
        ("2024_09_23_16_06_58_25", IN_UTC.replace(microsecond=250_000)),
        ("2024_09_23_16_06_58_1234567", IN_UTC.replace(microsecond=123_456)),
        ("2024_02_30_16_06_58_000", None),
        ("2024_09_23_16_06_58", None),
        ("2024-09-23T16:06:58", None),
        ("", None),
    ],
)
def test_capture_times_of_mapillary_tools(text: str, expected: datetime | None) -> None:
    assert parse_capture_time(text) == expected


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (1_727_107_618_000, IN_UTC),
        (1_000, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        (-1_000, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (1e30, None),
    ],
)
def test_milliseconds_since_1970(milliseconds: float, expected: datetime | None) -> None:
    assert parse_epoch_ms(milliseconds) == expected
