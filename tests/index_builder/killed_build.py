"""A build that kills its own process at a moment that is named; run in a child."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from index_builder import new_version, staging
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.selavpr.initialisation import seeded_network
from tests.conftest import TINY_CONFIG


def build_until(moment: str, listing: SourceListing, out: Path, options: BuildOptions) -> None:
    if moment == "published":
        _kill_behind(staging, "rename_durably", 4)  # three segments, then the map
    elif moment == "version":
        _kill_behind(new_version, "write_version_files", 1)
    elif moment.startswith("rename"):
        _kill_behind(staging, "rename_durably", int(moment[-1]))
    elif moment.startswith("checkpoint"):
        _kill_behind(staging.Staging, "finish_segment", int(moment[-1]))
    build_map(listing, Encoder(seeded_network(TINY_CONFIG, seed=7)), out, options)


def _kill_behind(owner: Any, name: str, times: int) -> None:
    real: Callable[..., Any] = getattr(owner, name)
    calls: list[str] = []

    def wrapped(*arguments: Any, **options: Any) -> Any:
        result = real(*arguments, **options)
        calls.append(name)
        if len(calls) == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)
