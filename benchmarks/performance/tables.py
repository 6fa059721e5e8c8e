"""The Markdown tables of the other benchmarks, one for each JSON file, with its hardware."""

from benchmarks.performance.markdown import NO_FIGURE, Figures, markdown


def match_table(figures: Figures) -> str:
    """Return the ways of counting mutual matches."""
    rows = [
        [
            name,
            f"{way['seconds'] * 1000:,.0f}",
            f"{way['ratio']:.1f}",
            _milliseconds(way.get("bytes_floor_s")),
            _milliseconds(way.get("operations_floor_s")),
            _ratio(way["seconds"], way.get("operations_floor_s")),
            f"{way['extra_bytes'] / 1e6:,.0f}",
            str(way["largest_difference"]),
        ]
        for name, way in figures["ways"].items()
    ]
    headings = ["way", "ms a query", "times plain", "floor of bytes, ms", "floor of operations, ms", "times the floor"]
    table = markdown([*headings, "peak extra MB", "counts differ by at most"], rows)
    rates = ""
    if "memory_bytes_per_s" in figures:
        peaks = ", ".join(
            f"{peak / 1e9:,.0f} billion operations a second in {number}"
            for number, peak in figures["peak_operations_per_s"].items()
        )
        rates = f" Measured at best: {figures['memory_bytes_per_s'] / 1e9:.1f} GB/s of memory; {peaks}."
    fast = f"{figures['candidates']} candidates; *fast* is `{figures['fast']}`."
    for number, seconds in figures.get("seconds_of_few", {}).items():
        fast += f" {number} of them in int8: {seconds * 1000:.1f} ms."
    return f"{table}\n\n{fast}{rates} {figures['hardware']}."


def encode_table(figures: Figures) -> str:
    """Return the forms of a network."""
    rows = [
        [
            f"{network}, {form['batch']}",
            form["form"],
            f"{form['median_s'] * 1000:,.1f}",
            f"{form['pictures_per_s']:.2f}",
            f"{form['ratio']:.2f}",
            f"{form['median_s'] / form['floor_s']:.2f}",
            f"{form['cosine']:.6f}",
            f"{form['local_cosine']:.6f}",
        ]
        for network, forms in figures["networks"].items()
        for form in forms
    ]
    headings = [
        "network, batch",
        "form",
        "ms a batch",
        "pictures/s",
        "times plain",
        "times the floor",
        "cosine",
        "local",
    ]
    return f"{markdown(headings, rows, left=2)}\n\n{figures['hardware']}."


def encode_recall_table(figures: Figures) -> str:
    """Return recall by the precision of encoding."""
    stages = [(stage, at) for stage in ("before", "after") for at in (1, 5, 10)]
    rows = []
    for name, row in figures["rows"].items():
        cells = [name]
        for stage, at in stages:
            value, difference = row[f"{stage} R@{at}"], row[f"{stage} R@{at} difference"]
            interval = f"{difference['value']:+.2f} [{difference['low']:+.2f}, {difference['high']:+.2f}]"
            cells.append(f"{value['value']:.2f} <sub>{interval}</sub>")
        rows.append(cells)
    headings = ["encoded in", *(f"R@{at} {'global' if stage == 'before' else 're-ranked'}" for stage, at in stages)]
    asked = f"{figures['database']:,} pictures, {figures['queries']:,} queries, top {figures['shortlist']} re-ranked"
    asked += f", local features of the map in {figures.get('store', 'float16')}"
    return f"{markdown(headings, rows)}\n\n{asked}. {figures['hardware']}."


def gather_table(figures: Figures) -> str:
    """Return the times of gathering a shortlist, in the plain way and with announced reads."""
    rows = []
    for plain, ours in zip(figures["ways"][::2], figures["ways"][1::2], strict=True):
        for way in (plain, ours):
            rows.append(
                [
                    way["store"],
                    way["way"],
                    f"{way['gathered_bytes'] / 1e6:.1f}",
                    f"{way['cold_ms']:.1f}",
                    f"{plain['cold_ms'] / way['cold_ms']:.1f}",
                    _ratio(way["cold_ms"], way.get("cold_floor_ms")),
                    f"{way['warm_ms']:.1f}",
                    f"{plain['warm_ms'] / way['warm_ms']:.1f}",
                    _ratio(way["warm_ms"], way.get("warm_floor_ms")),
                ]
            )
    headings = ["store", "way", "MB"]
    for state in ("cold", "warm"):
        headings += [f"{state} ms", "times plain", "times the floor"]
    table = markdown(headings, rows, left=2)
    rates = ""
    if "memory_bytes_per_s" in figures:
        disk, memory = (figures[f"{what}_bytes_per_s"] / 1e9 for what in ("disk", "memory"))
        rates = f" Measured at best: {disk:.2f} GB/s of the disk, {memory:.1f} GB/s of memory."
    return f"{table}\n\n{figures['candidates']} of {figures['places']:,} pictures.{rates} {figures['hardware']}."


def shortlist_table(figures: Figures) -> str:
    """Return the indexes, for each set of places."""
    rows = []
    for places in figures["sets"]:
        for index in places["indexes"]:
            gain = index["exact_milliseconds"]["1"] / index["milliseconds"]["1"]
            is_auto = " (auto)" if index["factory"] == places["auto"] else ""
            rows.append(
                [
                    f"{places['places']}, {places['width']} wide",
                    f"`{index['factory']}`{is_auto}",
                    f"{index['recall']:.4f}",
                    f"{index['file_bytes'] / 1e6:,.1f}",
                    f"{index['build_s']:.1f}",
                    f"{index['milliseconds']['1']:.2f}",
                    f"{index['milliseconds']['2']:.2f}",
                    f"{gain:.1f}",
                ]
            )
    headings = ["places", "index", "recall@100", "MB", "build s", "ms, 1 thread", "ms, 2 threads", "times Flat"]
    return f"{markdown(headings, rows, left=2)}\n\n{figures['hardware']}."


def build_table(figures: Figures) -> str:
    """Return the throughput of a build, and its memory."""
    rows = [
        [name, f"{each['encoder_rate']:.2f}", f"{each['build_rate']:.2f}", f"{each['ratio']:.2f}"]
        for name, each in figures["throughput"].items()
    ]
    throughput = markdown(["network", "encoder alone, pictures/s", "build, pictures/s", "build of encoder"], rows)
    memory = markdown(
        ["pictures", "peak MB"],
        [[f"{int(count):,}", f"{peak / 1e6:,.0f}"] for count, peak in figures["peak_bytes"].items()],
    )
    return f"{throughput}\n\n{memory}\n\nEncoded in {figures['encoding']}. {figures['hardware']}."


def query_table(figures: Figures) -> str:
    """Return the stages of a query, in the service and by the plain path."""
    plain, served = figures["seconds"]["plain"], figures["seconds"]["as it is served"]
    stages = [*((stage, plain[stage], served[stage]) for stage in plain)]
    stages.append(("all", figures["total_s"]["plain"], figures["total_s"]["as it is served"]))
    rows = [
        [stage, f"{plain_s * 1000:,.1f}", f"{served_s * 1000:,.1f}", f"{plain_s / served_s:.1f}"]
        for stage, plain_s, served_s in stages
    ]
    asked = (
        f"{figures['network']} with random weights, encoded in {figures['precision']}; {figures['places']:,} places "
        f"made of {figures['encoded']} pictures by copying with noise, stored as {figures['store']}; "
        f"{figures['shortlist']} candidates, {figures['queries']} queries: both find the same picture for "
        f"{figures['same_picture']}, and the same copy of it for {figures['same_place']}"
    )
    return f"{markdown(['stage', 'plain ms', 'served ms', 'ratio'], rows)}\n\n{asked}. {figures['hardware']}."


def learn_table(figures: Figures) -> str:
    """Return the times of the work of training."""
    rows = [[row["work"], row["way"], f"{row['seconds']:.2f}", f"{row['ratio']:.2f}"] for row in figures["rows"]]
    table = markdown(["work", "way", "seconds", "times plain"], rows, left=2)
    return f"{table}\n\n{figures['pictures']} pictures, {figures['network']}. {figures['hardware']}."


def _milliseconds(seconds: float | None) -> str:
    return NO_FIGURE if seconds is None else f"{seconds * 1000:,.1f}"


def _ratio(measured: float, floor: float | None) -> str:
    return NO_FIGURE if floor is None else f"{measured / floor:.2f}"
