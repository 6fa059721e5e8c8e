"""Figures as a file: JSON, with the hardware that they come from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.hardware import describe_hardware
from model.durable import write_atomically


def write_result(path: Path, figures: Mapping[str, Any]) -> None:
    """Writes figures and the hardware; folders are made.

    Args:
        path: ``benchmarks/results/NAME.json``.
        figures: What JSON can hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps({**figures, "hardware": describe_hardware()}, indent=1) + "\n").encode())
