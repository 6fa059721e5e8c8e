"""The Markdown tables of the run on a GPU: each part, with its comparisons."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.performance.markdown import NO_FIGURE, Figures, markdown


def gpu_tables(figures: Figures) -> str:
    """Write one table of all parts, and one for each part that was measured."""
    parts: Mapping[str, Any] = figures["parts"]
    texts = [_parts_table(parts)]
    for name, write in _WRITERS.items():
        if parts.get(name, {}).get("state") == "done":
            texts.append(write(parts[name]["figures"]))
    texts += [f"Not allowed: {line}." for line in _failed(parts)]
    versions = ", ".join(f"{name} {found}" for name, found in figures["versions"].items() if found)
    capability = f", capability {figures['capability']}" if "capability" in figures else ""
    texts.append(f"{figures['device']}{capability}; {versions}. {figures['hardware']}.")
    return "\n\n".join(texts)


def _parts_table(parts: Mapping[str, Any]) -> str:
    rows = []
    for name, part in parts.items():
        passed = sum(check["passed"] for check in part["checks"])
        memory = part.get("memory") or {}
        rows.append(
            [
                name.replace("_", " "),
                part["state"] + (f": {part['note']}" if part["note"] else ""),
                f"{part['duration_s']:.0f}",
                f"{passed} of {len(part['checks'])}",
                _megabytes(memory.get("device_peak_bytes")),
                _megabytes(memory.get("host_peak_bytes")),
            ]
        )
    headings = ["part", "state", "seconds", "comparisons passed", "GPU memory, peak MB", "process, peak MB"]
    return markdown(headings, rows, left=2)


def _service_table(part: Mapping[str, Any]) -> str:
    rows = [
        [who, *(_number(part[kind].get(f"p{percent}")) for percent in (50, 95, 99))]
        for who, kind in (("one client", "alone_ms"), (f"{part['clients']} clients", "together_ms"))
    ]
    told = (
        f"`POST /localize`, {part['network']} in {part['encoding']}, {part['pictures']} pictures, {part['shortlist']} "
        f"candidates re-ranked by `{part['matcher']}`, searched by `{part['searcher']}`: "
        f"{part['answered_a_second']:,.1f} answers a second, {part['refused']:,} refused, {part['differing']:,} "
        f"other than alone. Built at {part['built_a_second']:,.1f} pictures a second, ready after "
        f"{part['ready_s']:.1f} s."
    )
    return f"{markdown(['ms', 'p50', 'p95', 'p99'], rows)}\n\n{told}"


def _encoder_table(part: Mapping[str, Any]) -> str:
    rows, passes = [], []
    for network, measured in part.items():
        for form in measured["forms"]:
            rows.append(
                [
                    f"{network}, {form['batch']}",
                    form["form"],
                    _number(form["median_s"] * 1000),
                    f"{form['pictures_per_s']:,.0f}",
                    f"{form['ratio']:.2f}",
                    f"{form['median_s'] / form['floor_s']:.2f}",
                ]
            )
        for each in measured["passes"]:
            rate = each["pictures"] / each["seconds"]
            passes.append([network, each["precision"], str(each["pictures"]), f"{rate:,.0f}"])
    headings = ["network, batch", "form", "ms a batch", "pictures/s", "times plain", "times the floor"]
    forms = markdown(headings, rows, left=2)
    return f"{forms}\n\n{markdown(['network', 'precision', 'pictures in a pass', 'pictures/s'], passes, left=2)}"


def _counting_table(part: Mapping[str, Any]) -> str:
    plain_s = part["ways"][0]["seconds"]
    rows = [
        [
            each["way"],
            _number(each["seconds"] * 1000),
            f"{plain_s / each['seconds']:.1f}",
            _megabytes(each["extra_device_bytes"]),
        ]
        for each in part["ways"]
    ]
    table = markdown(["way of counting", "ms a query", "times plain", "extra GPU memory, MB"], rows)
    return f"{table}\n\n{part['candidates']} candidates of {part['cells']:,} cells; *fast* is `{part['fast']}`."


def _searcher_table(part: Mapping[str, Any]) -> str:
    rows = [[each["searcher"], _number(each["seconds"] * 1000), f"{each['open_s']:.2f}"] for each in part["searchers"]]
    table = markdown(["searcher", "ms a query", "opened in s"], rows)
    told = f"{part['shortlist']} nearest of {part['places']:,} places of width {part['width']:,}"
    return f"{table}\n\n{told}. faiss on a GPU has not been tried: its wheel is too large to be carried."


def _tests_line(part: Mapping[str, Any]) -> str:
    return f"Tests marked `gpu`: {part['passed']} passed, {part['failed']} failed, {part['skipped']} skipped."


_WRITERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "service": _service_table,
    "second_service": _service_table,
    "encoder": _encoder_table,
    "counting": _counting_table,
    "searcher": _searcher_table,
    "tests": _tests_line,
}


def _failed(parts: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: {check['what']}: {check['found']}, at most {check['allowed']:g}"
        for name, part in parts.items()
        for check in part["checks"]
        if not check["passed"]
    ]


def _number(value: float | None) -> str:
    return NO_FIGURE if value is None else f"{value:,.2f}"


def _megabytes(value: int | None) -> str:
    return NO_FIGURE if value is None else f"{value / 1e6:,.0f}"
