"""The memory of this process; only on Linux, where the kernel lets a process reset its peak."""

from pathlib import Path

_FORGET_PEAK = "5"  # proc(5), /proc/pid/clear_refs


def reset_peak_memory() -> int:
    """Reset the peak, and return the resident bytes."""
    Path("/proc/self/clear_refs").write_text(_FORGET_PEAK)
    return _status_bytes("VmRSS")


def peak_memory_bytes() -> int:
    """Return the greatest resident bytes since the last reset."""
    return _status_bytes("VmHWM")


def own_memory_bytes() -> int:
    """Return the resident bytes without mapped files, which the system can drop and read again."""
    return _status_bytes("RssAnon")


def _status_bytes(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise LookupError(f"/proc/self/status has no {field}")
