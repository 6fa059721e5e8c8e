"""On what a figure was measured."""

import os
import platform
from pathlib import Path

import torch


def describe_hardware() -> str:
    """Processor, cores, threads, GPU and library versions, as one line."""
    processor = platform.processor() or platform.machine()
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.is_file():
        names = [line.split(":", 1)[1].strip() for line in cpu_info.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    return (
        f"{processor}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {gpu}, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )
