"""Compare every network with its recording: ``python -m tests.golden.peers.compare [RECORDINGS]``.

Prints a table: method, largest difference of a descriptor over all recorded sizes, bound. With the folder of whole
recordings all of their numbers are compared, without it those of this folder.
"""

import sys
from pathlib import Path

from tests.golden.peers.networks import differences, make_network
from tests.golden.peers.recordings import FOLDER, read_recording
from tests.golden.peers.select_recordings import METHODS


def compare(folder: Path = FOLDER) -> bool:
    """Print the table; return whether all differences are within their bounds."""
    is_right = True
    print("| method | largest difference | bound | sizes | backbone, relative |")  # noqa: T201
    print("|---|---|---|---|---|")  # noqa: T201
    for method in METHODS:
        recording = read_recording(method, folder)
        found = list(differences(recording, make_network(recording), recording.sizes))
        descriptor = max((each for each in found if each.output == "desc"), key=lambda each: each.largest)
        backbone = max((each.largest for each in found if each.output != "desc"), default=None)
        is_right &= all(each.largest <= each.tolerance for each in found)
        sizes = ", ".join(f"{height} × {width}" for height, width in recording.sizes)
        shown = "" if backbone is None else f"{backbone:.0e}"
        print(f"| {method} | {descriptor.largest:.1e} | {descriptor.tolerance:.1e} | {sizes} | {shown} |", flush=True)  # noqa: T201
    return is_right


if __name__ == "__main__":
    sys.exit(0 if compare(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER) else 1)
