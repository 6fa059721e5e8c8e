"""A split of a few pictures in the layout of the town's splits."""

from pathlib import Path

from tests.model.training.small_run import small_set

CONDITIONS = ("sun", "overcast", "night", "rain")


def write_split(folder: Path) -> Path:
    """Write twelve places 30 m apart, with a picture and a query of each; the conditions of the queries alternate."""
    places = small_set(folder.parent, folder.name)
    for name, side in (("database", places.database), ("queries", places.queries)):
        lines = ["path,latitude,longitude,condition"]
        lines += [
            f"{name}/{place.path.name},{place.position.latitude:.8f},{place.position.longitude:.8f},"
            f"{'sun' if name == 'database' else CONDITIONS[number % len(CONDITIONS)]}"
            for number, place in enumerate(side)
        ]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder
