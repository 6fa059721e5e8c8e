"""The command line, which gets a signal before its n-th step on the disk.

``python -m tests.faults.interrupted_command FOLDER STEP SIGNAL COUNT_FILE ARGUMENTS``: steps below the folder count;
before step 0 there is no signal. The number of steps is written to the file.
"""

import atexit
import sys
from pathlib import Path
from signal import Signals

from placefix.__main__ import main
from tests.faults.disk_steps import DiskSteps


def _main(folder: Path, step: int, sent: Signals, count_file: Path, arguments: list[str]) -> None:
    steps = DiskSteps(folder, step, sent)
    atexit.register(lambda: count_file.write_text(f"{steps.count}"))
    sys.argv = ["placefix", *arguments]
    main()


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), Signals[sys.argv[3]], Path(sys.argv[4]), sys.argv[5:])
