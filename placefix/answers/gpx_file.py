"""A file of answers for navigation devices: waypoints of GPX 1.1 for answers with a position."""

from collections.abc import Iterable
from pathlib import Path

from gpxpy.gpx import GPX, GPXWaypoint

from placefix.answers.outcome import Failure, Outcome
from placefix.wording import xml_text


def write_gpx(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write a waypoint for each photo that has a position."""
    gpx = GPX()
    gpx.creator = "Placefix"
    for outcome in outcomes:
        answer = outcome.answer
        if isinstance(answer, Failure) or answer.position is None:
            continue
        point = GPXWaypoint(answer.position.latitude, answer.position.longitude)
        point.name = xml_text(outcome.photo)
        point.type = answer.status
        point.description = _description(outcome)
        gpx.waypoints.append(point)
    path.write_text(gpx.to_xml("1.1"), "utf-8")


def _description(outcome: Outcome) -> str:
    row = outcome.row()
    facts = [str(row["status"])]
    if row["confidence"] is not None:
        facts.append(f"{row['confidence']:.1%} sure")
    if row["radius_m"] is not None:
        facts.append(f"within {row['radius_m']} m")
    return ", ".join([*facts, f"map {row['map']}, version {row['map_version']}"])
