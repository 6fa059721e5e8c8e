"""Measure the maps that are served: their versions, changes and damage."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

SwapOutcome = Literal["swapped", "failed"]


class MapMetrics:
    """Hold the metrics of all maps, in the registry of an application."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._info = Gauge("placefix_map_info", "1 for each map version served.", ["map", "version"], registry=registry)
        self._pictures = Gauge("placefix_map_pictures", "Pictures in a map.", ["map"], registry=registry)
        self._created = Gauge(
            "placefix_map_created_timestamp_seconds",
            "When the version of a map that is served was made, in seconds since 1970.",
            ["map"],
            registry=registry,
        )
        self._damaged = Gauge("placefix_map_damaged", "1 if a file of the map is damaged.", ["map"], registry=registry)
        self._swaps = Counter(
            "placefix_map_swaps_total",
            "Versions of a map that were to replace another: swapped in, or failed.",
            ["map", "outcome"],
            registry=registry,
        )
        self._versions: dict[str, str] = {}  # that placefix_map_info shows

    def set_version(self, name: str, version: str, pictures: int, created_at: datetime) -> None:
        """Tell the version that is served, in the place of the one before."""
        self._info.labels(map=name, version=version).set(1)
        before = self._versions.get(name, version)
        if before != version:
            self._info.remove(name, before)
        self._versions[name] = version
        self._pictures.labels(map=name).set(pictures)
        self._created.labels(map=name).set(created_at.timestamp())
        for outcome in get_args(SwapOutcome):
            self._swaps.labels(map=name, outcome=outcome)

    def count_swap(self, name: str, outcome: SwapOutcome) -> None:
        """Count a version that was to replace another."""
        self._swaps.labels(map=name, outcome=outcome).inc()

    def watch(self, name: str, is_damaged: Callable[[], bool]) -> None:
        """Read whenever Prometheus asks whether a map has changed on the disk."""
        self._damaged.labels(map=name).set_function(is_damaged)
