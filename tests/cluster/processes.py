"""Find the processes of Ray below a process of a test in /proc, and wait for their work."""

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 600  # Ray's processes and torch are loaded several times over


def wait_for(is_true: Callable[[], object], tell: Callable[[], object] = lambda: "it did not become true") -> None:
    """Ask again and again; fail after :data:`PATIENCE_S` seconds with the text of ``tell``."""
    end = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < end, f"after {PATIENCE_S} s: {tell()}"
        time.sleep(0.1)


def below(ancestor: int) -> dict[int, str]:
    """Return the processes that a process has started, and those that they have started: id → title."""
    parents: dict[int, int] = {}
    titles: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            status = (folder / "stat").read_text()
            title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent = status.rpartition(")")[2].split()[:2]
        if state != "Z":
            parents[int(folder.name)], titles[int(folder.name)] = int(parent), title
    found: dict[int, str] = {}
    level = {ancestor}
    while level:
        level = {process for process, parent in parents.items() if parent in level}
        found |= {process: titles[process] for process in level}
    return found


def is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def segment_workers(ancestor: int) -> list[int]:
    """Return the workers of a build; those that are encoding a segment come first."""
    found = {process: title for process, title in below(ancestor).items() if title.startswith("ray::SegmentWorker")}
    return sorted(found, key=lambda process: (found[process] != "ray::SegmentWorker.encode", process))
