"""The run on a GPU, tried on a CPU: its results, its comparisons, and its behaviour after failures."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.gpu import asking, command, pytest_outcomes, run, searcher, service
from benchmarks.gpu.marked_tests import DEADLINE, MARK, marked_files, read_outcomes
from benchmarks.gpu.outcome import Check, Outcome, relative_error
from benchmarks.gpu.parts import PARTS, Part
from benchmarks.gpu.setting import TINY
from model.errors import DeviceUnavailable, InvalidInput
from place_map.torch_search import TorchProposer
from tests.benchmarks.gpu_parts import dying, fine, hanging, lacking, raising, wrong_count, wrong_encoder
from tests.child_processes import child_context

ON_CPU = replace(TINY, device="cpu")


def run_gpu(out: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """Run the command; return its exit status and its results."""
    result = CliRunner().invoke(app, ["gpu", "--device", "cpu", "--tiny", "--out", str(out), *more])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, json.loads(out.read_text())


def test_it_measures_and_compares_everything(tmp_path: Path) -> None:
    status, told = run_gpu(tmp_path / "gpu.json")
    states = {name: part["state"] for name, part in told["parts"].items()}
    assert states == {part.name: "done" for part in PARTS} | {"second_service": "skipped"}
    for name, part in told["parts"].items():
        assert all(check["passed"] for check in part["checks"]), name
        assert part["state"] == "skipped" or (part["checks"] and part["memory"]["host_peak_bytes"] > 1_000_000)
    assert status == 0
    assert told["hardware"]
    assert told["device"] == "cpu"
    assert told["versions"]["torch"] == torch.__version__
    assert told["setting"]["networks"] == ["minimal"]
    figures = {name: part["figures"] for name, part in told["parts"].items()}
    assert figures["service"]["statuses"]["200"] >= 2 * ON_CPU.pictures + ON_CPU.clients
    assert set(figures["service"]["together_ms"]) == {"p50", "p95", "p99"}
    assert {row["precision"] for row in figures["encoder"]["minimal"]["passes"]} >= {"float32"}
    assert [row["searcher"] for row in figures["searcher"]["searchers"]] == ["torch-cpu", "faiss-cpu"]
    assert {row["way"] for row in figures["counting"]["ways"]} >= {"exact", "fast, int8 candidates"}
    assert figures["tests"]["passed"] + figures["tests"]["skipped"] == 1


@pytest.fixture
def begins_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the processes of the run from a server that has imported nearly everything."""
    monkeypatch.setattr(run, "get_context", lambda _: child_context())


class WrongProposer(TorchProposer):
    """Ignore the first half of a map."""

    def propose(self, queries: Any, count: int) -> Any:
        hits = super().propose(queries, count)
        hits.rows[hits.rows < len(self._map) // 2] = -1
        return hits


@pytest.mark.usefixtures("begins_at_once")
def test_what_is_wrong_fails_its_comparison_and_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = (wrong_encoder, wrong_count)
    monkeypatch.setattr(command, "PARTS", tuple(Part(each.__name__, each, 0) for each in wrong))
    status, told = run_gpu(tmp_path / "gpu.json")
    assert status == 1
    failed = {
        name: [check["what"] for check in part["checks"] if not check["passed"]]
        for name, part in told["parts"].items()
        if part["state"] == "done"
    }
    assert any("relative error of global" in what for what in failed["wrong_encoder"])
    assert any("depend on others in the batch" in what for what in failed["wrong_encoder"])
    assert not any("plain float32" in what for what in failed["wrong_encoder"])
    assert any(what.startswith("fast, whole numbers") for what in failed["wrong_count"])
    assert not any(what.startswith("exact") for what in failed["wrong_count"])


def test_answers_that_are_not_those_of_the_cpu_fail() -> None:
    expected: dict[str, asking.Picks] = {"a.jpg": [("a.jpg", 900, 0.0), ("b.jpg", 500, 0.25)]}
    cases: tuple[tuple[asking.Picks, set[str]], ...] = (
        ([("a.jpg", 900, 0.0), ("b.jpg", 501, 0.2501)], set()),
        ([("b.jpg", 500, 0.25), ("a.jpg", 900, 0.0)], {"another best candidate"}),
        ([("a.jpg", 900, 0.01), ("b.jpg", 500, 0.25)], {"global distance"}),
        ([("a.jpg", 900, 0.0), ("b.jpg", 400, 0.25)], {"mutual matches"}),
        ([("a.jpg", 900, 0.0), ("c.jpg", 500, 0.25)], {"are missing"}),
        ([], {"another best candidate", "are missing"}),
    )
    for picks, failing in cases:
        outcome = Outcome()
        service._compare(outcome, "demo", "float32", {"a.jpg": picks}, expected)
        failed = [check.what for check in outcome.checks if not check.has_passed]
        assert len(failed) == len(failing)
        assert all(any(words in what for what in failed) for words in failing)


def test_a_searcher_that_overlooks_rows_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("place_map.global_index.TorchProposer", WrongProposer)
    with pytest.raises(AssertionError, match="found fewer than"):
        searcher.measure_searcher(ON_CPU, math.inf)
    monkeypatch.undo()
    monkeypatch.setattr(searcher, "_definition", lambda *_: torch.arange(100).numpy())
    assert not any(check.has_passed for check in searcher.measure_searcher(ON_CPU, math.inf).checks)


@pytest.mark.usefixtures("begins_at_once")
def test_parts_that_die_hang_or_fail_do_not_keep_the_others_from_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "GRACE_S", 0.0)
    results = parts_of([fine, fine, raising, lacking, dying, fine], budget_s=60)
    assert [result["state"] for result in results] == ["done", "done", "failed", "skipped", "failed", "done"]
    assert [result["note"] for result in results[2:5]] == [
        "AcceleratorError: CUDA error: an illegal memory access was encountered",
        "no faiss",
        "its process ended with status 3",
    ]
    processes = [results[number]["figures"]["process"] for number in (0, 1, 5)]
    assert processes[0] == processes[1] != processes[2]
    [stopped] = parts_of([hanging], budget_s=1)
    assert (stopped["state"], stopped["note"]) == ("stopped", "it did not come to an end in time")


def test_the_trace_of_a_part_that_fails_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    [failed] = parts_of([raising], budget_s=60)
    assert failed["state"] == "failed"
    assert "illegal memory access" in capfd.readouterr().err


def parts_of(measures: Sequence[Any], budget_s: float) -> list[run.Result]:
    results: list[run.Result] = []
    parts = [Part(f"{number}", measure, 0) for number, measure in enumerate(measures)]
    run.run_parts(parts, ON_CPU, budget_s, lambda _, result: results.append(result))
    return results


def test_a_part_that_there_is_no_time_for_is_skipped_and_says_so(tmp_path: Path) -> None:
    status, told = run_gpu(tmp_path / "gpu.json", "--seconds", "1")
    assert status == 0
    assert {part["state"] for part in told["parts"].values()} == {"skipped"}
    assert all("no time left" in part["note"] for part in told["parts"].values())


def test_a_test_that_there_is_no_time_for_is_skipped(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv(DEADLINE, str(time.monotonic() + 3600))
    pytest_outcomes.pytest_runtest_setup(request.node)
    monkeypatch.setenv(DEADLINE, str(time.monotonic() - 1))
    with pytest.raises(pytest.skip.Exception, match="no time left"):
        pytest_outcomes.pytest_runtest_setup(request.node)


def test_the_files_with_marked_tests_are_found() -> None:
    files = marked_files(Path("tests"))
    assert "tests/model/test_encoder.py" in files
    assert "tests/model/test_matching.py" not in files
    assert all(MARK in Path(file).read_text() for file in files)


def test_what_a_killed_pytest_has_written_is_read(tmp_path: Path) -> None:
    told = tmp_path / "outcomes.jsonl"
    told.write_text('{"test": "a", "outcome": "passed"}\n{"test": "b", "outc')
    assert read_outcomes(told) == [{"test": "a", "outcome": "passed"}]
    assert read_outcomes(tmp_path / "none") == []


def test_a_comparison_that_is_not_a_number_has_not_passed() -> None:
    check = Check("features", math.nan, 1.0)
    assert not check.has_passed
    assert json.dumps(check.to_json(), allow_nan=False)
    assert relative_error(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0])) == 0.0
    assert relative_error(torch.tensor([1.1]), torch.tensor([1.0])) == pytest.approx(0.1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_it_does_not_take_a_cpu_for_a_gpu(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable):
        command.gpu(out=tmp_path / "gpu.json")
    with pytest.raises(InvalidInput, match="--out"):
        command.gpu(device="cpu")
    with pytest.raises(InvalidInput, match="nonsense is not among service, encoder"):
        command.gpu(device="cpu", only=["nonsense"])
