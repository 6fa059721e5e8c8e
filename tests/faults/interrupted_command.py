"""The command line, which gets a Ctrl-C before its n-th step on the disk.

``python -m tests.faults.interrupted_command FOLDER STEP COUNT_FILE ARGUMENTS``: steps below the folder count; before
step 0 there is no Ctrl-C. How many there were is written to the file.
"""

import atexit
import sys
from pathlib import Path
from signal import SIGINT

from placefix.__main__ import main
from tests.faults.disk_steps import DiskSteps


def _main(folder: Path, step: int, count_file: Path, arguments: list[str]) -> None:
    steps = DiskSteps(folder, step, SIGINT)
    atexit.register(lambda: count_file.write_text(f"{steps.count}"))
    sys.argv = ["placefix", *arguments]
    main()


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
