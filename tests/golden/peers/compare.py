"""Compare every network with its recording: ``python -m tests.golden.peers.compare [RECORDINGS]``.

Prints a table: method, largest difference of a descriptor over all recorded sizes, bound. A second one has all outputs
of the methods that re-rank. With the folder of whole recordings all of their numbers are compared, without it those of
this folder.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.golden.peers.keypoints import keypoint_differences, make_superglue
from tests.golden.peers.networks import differences, make_network
from tests.golden.peers.recordings import FOLDER, read_recording
from tests.golden.peers.select_recordings import KEYPOINTS, METHODS, TWO_STAGE
from tests.golden.peers.two_stage import rerank_differences, two_stage_differences


def compare(folder: Path = FOLDER) -> bool:
    """Print the tables; return whether all differences are within their bounds."""
    is_right = _compare_descriptors(folder)
    print("\n| method | output | largest difference | bound |")  # noqa: T201
    print("|---|---|---|---|")  # noqa: T201
    for method in (*TWO_STAGE, KEYPOINTS):
        recording = read_recording(method, folder)
        if method == KEYPOINTS:
            with TemporaryDirectory() as files:
                matcher = make_superglue(recording, Path(files))
            found = list(keypoint_differences(recording, matcher, recording.sizes))
        else:
            network = make_network(recording)
            found = list(two_stage_differences(recording, network, recording.sizes))
            found += rerank_differences(recording, network, recording.sizes)
        for output in dict.fromkeys(each.output for each in found):
            worst = max((each for each in found if each.output == output), key=lambda each: each.largest)
            print(f"| {method} | {output} | {worst.largest:.1e} | {worst.tolerance:.1e} |", flush=True)  # noqa: T201
        is_right &= all(each.largest <= each.tolerance for each in found)
    return is_right


def _compare_descriptors(folder: Path) -> bool:
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
