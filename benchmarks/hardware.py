"""The description of the hardware of a figure."""

import os
import platform
from pathlib import Path

import torch

CPU_INFO = Path("/proc/cpuinfo")


def describe_hardware() -> str:
    """Return processor, cores, threads, GPU and library versions as one line."""
    processor = platform.processor() or platform.machine()
    if CPU_INFO.is_file():
        processor = name_processor(CPU_INFO.read_text()) or processor
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    return (
        f"{processor}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {gpu}, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )


def name_processor(cpu_info: str) -> str | None:
    """Return name, family and model of the first processor.

    One name of a virtual machine may stand for several generations, and one may be twice as fast as another.

    Args:
        cpu_info: The text of ``/proc/cpuinfo``.

    Returns:
        The name, with family and model if they are stated; None if there is no name.
    """
    values: dict[str, str] = {}
    for line in cpu_info.splitlines():
        key, _, value = line.partition(":")
        values.setdefault(key.strip(), value.strip())
    name = values.get("model name")
    if name is None or "cpu family" not in values:
        return name
    return f"{name} (family {values['cpu family']}, model {values.get('model', '?')})"
