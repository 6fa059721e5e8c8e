"""The Markdown tables of the reliability of confidences."""

from collections.abc import Iterator
from typing import Any

from benchmarks.performance.markdown import NO_FIGURE, Figures, markdown
from placefix.evaluation.confidence import ALL, QUERIES
from service.query_options import DEFAULT_MAX_WRONG

Spread = dict[str, float] | None


def confidence_table(figures: Figures) -> str:
    """Return a row for each map, calibration and way to re-rank, and the reason for each map without a calibration."""
    headings = [
        "map, calibrated with",
        "rerank",
        "right",
        "AUROC",
        "ECE",
        "localized: right answers",
        "localized: elsewhere",
    ]
    headings += ["not found: right answers", "not found: elsewhere"]
    headings += [f"wrong among localized (≤ {DEFAULT_MAX_WRONG:.0%})", "truth in 95 % radius", "comparisons saved"]
    rows = []
    for name, found, row in _rows(figures):
        label = f"{name}, {row['calibrated']}"
        if "why_not" in row:
            rows.append([label, *[NO_FIGURE] * (len(headings) - 1)])
            continue
        every, queries = row["groups"][ALL], row["groups"].get(QUERIES, row["groups"][ALL])
        kept = f"; {row['kept']} of {row['trials']}" if row["trials"] > 1 else ""
        rows.append(
            [
                f"{label} ({found['queries']:,} and {found['foreign']:,} from elsewhere)",
                row["rerank"],
                _percent(queries["right"]),
                _number(every["auroc"]),
                _number(every["ece"]),
                _percent(every["right_accepted"]),
                _percent(every["foreign_accepted"]),
                _percent(every["right_refused"]),
                _percent(every["foreign_refused"]),
                _percent(every["wrong_of_accepted"]) + kept,
                _percent(queries["radii"]["0.95"]),
                f"{100 * row['saved']:.1f}",
            ]
        )
    without = [
        f"{name} ({found['pictures']} pictures) is not calibrated: {row['why_not']}."
        for name, found, row in _rows(figures)
        if "why_not" in row
    ]
    notes = [*_conditions(figures), *without]
    return markdown(headings, rows, left=2) + "\n\n" + " ".join(notes)


def _conditions(figures: Figures) -> list[str]:
    """Return a sentence for the sets that were measured alike."""
    alike: dict[tuple[int, str], list[str]] = {}
    for name, found in figures["sets"].items():
        alike.setdefault((found["shortlist"], found["hardware"]), []).append(name)
    return [f"Top {shortlist} ({', '.join(names)}): {hardware}." for (shortlist, hardware), names in alike.items()]


def conditions_table(figures: Figures) -> str:
    """Return a row for each set of queries and each condition, always re-ranked, calibrated with the map alone."""
    headings = [
        "map, condition",
        "queries",
        "right",
        "ECE",
        "localized: right answers",
        "wrong among localized",
        "not found: right answers",
    ]
    rows = []
    for name, _, row in _rows(figures):
        if "why_not" in row or row["rerank"] != "always" or "queries" in row["calibrated"]:
            continue
        rows += [
            [
                f"{name}, {group}",
                f"{found['answers']['mean']:,.0f}",
                _percent(found["right"]),
                _number(found["ece"]),
                _percent(found["right_accepted"]),
                _percent(found["wrong_of_accepted"]),
                _percent(found["right_refused"]),
            ]
            for group, found in row["groups"].items()
            if group not in (ALL, QUERIES)
        ]
    return markdown(headings, rows)


def signals_table(figures: Figures) -> str:
    """Return the AUROC of each signal alone, and of the confidence from all of them."""
    sets = {name: found for name, found in figures["sets"].items() if "why_not" not in found["calibrations"][0]}
    signals = next(iter(sets.values()))["signals"]
    rows = [
        [signal.replace("_", " "), *(f"{found['signals'][signal]:.3f}" for found in sets.values())]
        for signal in signals
    ]
    together = (found["calibrations"][0]["groups"][ALL]["auroc"]["mean"] for found in sets.values())
    rows.append(["**confidence**", *(f"**{value:.3f}**" for value in together)])
    return markdown(["AUROC of", *sets], rows)


def _rows(figures: Figures) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for name, found in figures["sets"].items():
        for row in found["calibrations"]:
            yield name, found, row


def _percent(spread: Spread) -> str:
    return NO_FIGURE if spread is None else _text({key: 100 * value for key, value in spread.items()}, 1)


def _number(spread: Spread) -> str:
    return NO_FIGURE if spread is None else _text(spread, 3)


def _text(spread: dict[str, float], digits: int) -> str:
    """Return the mean, and the lowest and highest of all trials if they differ."""
    low, mean, high = (f"{spread[key]:.{digits}f}" for key in ("low", "mean", "high"))
    return mean if low == high else f"{mean} <sub>[{low}, {high}]</sub>"
