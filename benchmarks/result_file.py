"""The figures of a benchmark as a JSON file, with the hardware."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.hardware import describe_hardware
from model.durable import write_atomically


def write_result(path: Path, figures: Mapping[str, Any]) -> None:
    """Write figures and the hardware; folders are made if necessary.

    Args:
        path: ``benchmarks/results/NAME.json``.
        figures: The figures, as values for JSON.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps({**figures, "hardware": describe_hardware()}, indent=1) + "\n").encode())
