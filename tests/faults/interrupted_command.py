"""A command line that gets a signal before its n-th step on the disk."""

from multiprocessing.util import Finalize
from pathlib import Path
from signal import Signals

from tests.faults.disk_steps import DiskSteps


def interrupt(folder: Path, step: int, sent: Signals, count_file: Path) -> None:
    """Prepare a ``Program``.

    Args:
        folder: Steps below it count.
        step: The step before which the signal comes; 0: there is none.
        sent: The signal.
        count_file: It gets the number of steps when the process ends.
    """
    steps = DiskSteps(folder, step, sent)
    Finalize(None, lambda: count_file.write_text(f"{steps.count}"), exitpriority=0)
