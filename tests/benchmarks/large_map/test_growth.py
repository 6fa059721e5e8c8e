"""Exponents of growth."""

from benchmarks.large_map.growth import growth_rows


def size(places: int, figures: dict[str, float]) -> dict[str, object]:
    listed = [{"name": name, "unit": "s" if "time" in name else "B", "value": value} for name, value in figures.items()]
    return {"places": places, "segments": 40 + places // 1000, "index": f"I{places}", "figures": listed}


def test_what_stays_grows_and_grows_faster_has_the_exponent_0_1_and_2() -> None:
    sizes = [
        size(count, {"time a": 0.001, "b": 2048.0 * count, "time c": 1e-9 * count**2, "d": 0.0})
        for count in (10_000, 100_000, 1_000_000)
    ]
    headings, rows = growth_rows(sizes)
    assert headings == ["", "10,000 places", "100,000 places", "1,000,000 places", "exponent"]
    assert rows[1] == ["index", "I10000", "I100000", "I1000000", ""]
    assert [(row[0], row[-1]) for row in rows[2:]] == [
        ("time a, ms", "0.00"),
        ("b, MB", "1.00"),
        ("time c, ms", "2.00"),
        ("d, MB", "–"),
    ]
    assert rows[3][1:4] == ["20.48", "204.80", "2,048.00"]


def test_one_size_has_no_exponent() -> None:
    _, rows = growth_rows([size(300, {"b": 1.0})])
    assert rows[-1] == ["b, MB", "0.00", "–"]
