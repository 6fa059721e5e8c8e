"""``python -m benchmarks gpu``: all checks that need a GPU, in one run of six minutes."""

import time
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.table import Table

from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.run import Result, run_parts
from benchmarks.gpu.setting import FULL, TINY
from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from model.device import DeviceName, choose_device
from model.errors import InvalidInput
from placefix.console import error_console, output_console

OUT = Path("benchmarks/results/gpu.json")
_BUDGET_S = 330.0  # plus half a minute for a running test
_PACKAGES = ("torch", "triton", "faiss-cpu", "faiss-gpu", "numpy", "pillow")


def gpu(
    device: Annotated[DeviceName, typer.Option(help="cpu tries the run itself, without a GPU.")] = "cuda",
    seconds: Annotated[float, typer.Option(min=1, help="The seconds for all parts together.")] = _BUDGET_S,
    only: Annotated[list[str] | None, typer.Option(help="A part of the run; may be repeated.")] = None,
    tiny: Annotated[bool, typer.Option("--tiny", help="Run small sizes, in seconds.")] = False,
    out: Annotated[Path | None, typer.Option(help=f"The results, as JSON; on a GPU {OUT} by default.")] = None,
) -> None:
    """Compare every fast path of the device with the plain one on the CPU, serve a map, and run the tests marked gpu.

    The results are written after each part. The exit status is 1 if a comparison or a part has failed.
    """
    parts = [part for part in PARTS if only is None or part.name in only]
    if unknown := sorted(set(only or ()) - {part.name for part in PARTS}):
        raise InvalidInput(f"{', '.join(unknown)} is not among {', '.join(part.name for part in PARTS)}")
    choice = choose_device(device)
    if out is None and not choice.is_gpu:
        raise InvalidInput("a run on a CPU says nothing about a GPU: say with --out where its results go instead")
    target = out or OUT
    setting = replace(TINY if tiny else FULL, device="cuda" if choice.is_gpu else "cpu")
    results: dict[str, Result] = {}
    console = error_console()
    start_s = time.monotonic()
    report = {**_machine(choice.device), "seconds": seconds, "setting": asdict(setting)}

    def note(name: str, result: Result) -> None:
        results[name] = result
        write_result(target, {**report, "duration_s": time.monotonic() - start_s, "parts": results})
        console.print(f"{name}: {_told(result)}", soft_wrap=True)

    console.print(f"{describe_hardware()}; {choice.reason}", soft_wrap=True)
    run_parts(parts, setting, seconds, note)
    output_console().print(_table(results))
    output_console().print(str(target), soft_wrap=True)
    if has_failed(results):
        raise typer.Exit(1)


def has_failed(results: dict[str, Result]) -> bool:
    """Return whether a part did not finish, or a comparison failed."""
    return any(
        result["state"] in ("failed", "stopped") or not all(check["passed"] for check in result["checks"])
        for result in results.values()
    )


def _machine(device: torch.device) -> dict[str, Any]:
    """Return the conditions of the figures besides the line of hardware."""
    versions: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    if device.type != "cuda":
        return {"device": "cpu", "versions": versions}
    properties = torch.cuda.get_device_properties(device)
    return {
        "device": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "device_bytes": properties.total_memory,
        "cuda": torch.version.cuda,
        "versions": versions,
    }


def _told(result: Result) -> str:
    failed = [check for check in result["checks"] if not check["passed"]]
    lines = [f"{result['state']} in {result['duration_s']:.1f} s, {len(result['checks'])} comparisons"]
    if result["note"]:
        lines.append(result["note"])
    lines += [f"NOT ALLOWED: {check['what']}: {check['found']}, at most {check['allowed']:g}" for check in failed]
    return "\n  ".join(lines)


def _table(results: dict[str, Result]) -> Table:
    table = Table("part", "state", "seconds", "comparisons", "of them failed")
    for name, result in results.items():
        checks = result["checks"]
        failed = sum(not check["passed"] for check in checks)
        table.add_row(name, result["state"], f"{result['duration_s']:.1f}", str(len(checks)), str(failed))
    return table
