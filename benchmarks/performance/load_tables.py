"""The Markdown tables of a server under load."""

from collections.abc import Mapping
from typing import Any

from benchmarks.performance.markdown import NO_FIGURE, Figures, markdown


def load_table(figures: Figures) -> str:
    """Return throughput and latency over the rate of arrival, with batching and without."""
    rows = [_load_row(row, rate) for row in figures["rows"] for rate in row["rates"]]
    headings = [
        "network",
        "batch",
        "sent/s",
        "answered/s",
        "p50 ms",
        "p99 ms",
        "HTTP alone, p50 ms",
        "refused",
        "wrong",
    ]
    return f"{markdown(headings, rows, left=2)}\n\n{figures['seconds']:g} s at each rate. {figures['hardware']}."


def capacity_table(figures: Figures) -> str:
    """Return the capacity of a server with a number of clients, against the same work without a server."""
    rows = [
        [
            row["network"],
            _batch(row),
            f"{row['offline_a_second']:,.1f}",
            f"{row['closed_loop']['answered_a_second']:,.1f}",
            f"{row['of_offline']:.2f}",
            f"{row['closed_loop']['p50_ms']:,.0f}",
            f"{row['closed_loop']['p99_ms']:,.0f}",
        ]
        for row in figures["rows"]
    ]
    headings = ["network", "batch", "offline, pictures/s", "served, pictures/s", "share of offline", "p50 ms", "p99 ms"]
    told = f"{figures['clients']} clients, a core for the server. {figures['hardware']}."
    return f"{markdown(headings, rows, left=2)}\n\n{told}"


def overload_table(figures: Figures) -> str:
    """Return the fate of requests at five times the capacity."""
    lines: tuple[tuple[str, str, str], ...] = (
        ("answers a second with 32 clients", "capacity", ",.1f"),
        ("requests a second sent then", "rate", ",.1f"),
        ("requests", "sent", ",d"),
        ("answered", "answered", ",d"),
        ("refused, 503", "refused", ",d"),
        ("lost, or of another status", "lost", ",d"),
        ("answered with another picture", "wrong", ",d"),
        ("most pictures waiting, of 64", "deepest_queue", ",d"),
        ("bound: (8 batches + 1) × time of a batch, ms", "bound_ms", ",.0f"),
        ("answered: p50, ms", "admitted_p50_ms", ",.0f"),
        ("answered: p99, ms", "admitted_p99_ms", ",.0f"),
        ("answered: longest, ms", "admitted_max_ms", ",.0f"),
        ("answered later than the bound + 20 %", "late", ",d"),
        ("refused: p50, ms", "refused_p50_ms", ",.1f"),
        ("refused: p99, ms", "refused_p99_ms", ",.1f"),
        ("`/metrics`: p99, ms", "metrics_p99_ms", ",.1f"),
        ("`/health/ready`: p99, ms", "ready_p99_ms", ",.1f"),
        ("times that it said not ready", "not_ready", ",d"),
    )
    found = figures["rows"]
    rows = [[says, *(format(row[name], form) for row in found)] for says, name, form in lines]
    rows.append(["memory grown, MB", *(f"{row['grown_bytes'] / 1e6:,.1f}" for row in found)])
    table = markdown(["", *(row["network"] for row in found)], rows)
    return (
        f"{table}\n\n{figures['seconds']:g} s; a core for the server, another for the clients. {figures['hardware']}."
    )


def endurance_table(figures: Figures) -> str:
    """Return the growth of a server's resources after many requests."""
    rows = [
        [
            row["network"],
            f"{row['requests']:,}",
            str(row["failed"]),
            f"{row['grown_bytes'] / 1e6:,.1f}",
            str(row["grown_files"]),
            str(row["grown_threads"]),
        ]
        for row in figures["rows"]
    ]
    headings = ["network", "answered", "failed", "memory grown, MB", "files grown", "threads grown"]
    return f"{markdown(headings, rows)}\n\n{figures['hardware']}."


def _load_row(row: Mapping[str, Any], rate: Mapping[str, Any]) -> list[str]:
    refused = sum(count for status, count in rate["statuses"].items() if status != "200")
    return [
        row["network"],
        _batch(row),
        f"{rate['sent_a_second']:,.1f}",
        f"{rate['answered_a_second']:,.1f}",
        *(_ms(rate[name]) for name in ("p50_ms", "p99_ms", "overhead_p50_ms")),
        f"{refused:,}",
        str(rate["wrong"]),
    ]


def _batch(row: Mapping[str, Any]) -> str:
    delay_ms = row.get("delay_ms", 0)  # a setting of earlier releases
    return f"{row['batch']}" if row["batch"] == 1 else f"{row['batch']}, delay {delay_ms:g} ms"


def _ms(value: float | None) -> str:
    return NO_FIGURE if value is None else f"{value:,.1f}"
