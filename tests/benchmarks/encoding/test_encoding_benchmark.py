"""The timed forms compute the same, and the floor counts what is multiplied."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.encoding.floor import operations, peak_operations_per_s
from benchmarks.encoding.speed import PLAIN, time_forms
from model.network.config import VIT_LARGE
from tests.model.frozen.busy_network import BUSY_CONFIG, busy_network, pictures

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "variant", [{}, {"adapters": "serial"}, {"local_features": "none", "adapters": "none"}, {"num_register_tokens": 0}]
)
def test_the_floor_counts_the_products_of_the_plain_network(variant: dict[str, Any]) -> None:
    config = replace(BUSY_CONFIG, **variant)
    network = busy_network(config)
    with (
        torch.inference_mode(),
        torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH),  # the counter knows only plain products
        FlopCounterMode(display=False) as counter,
    ):
        network(pictures(1))
    # torch counts what up-convolutions multiply with the padding, too: nine products for each cell.
    beyond_edge = 0
    if config.local_features == "dense":
        for channels, side in (
            (config.embed_dim * config.local_hidden_dim, 16),
            (config.local_hidden_dim * config.local_dim, 31),
        ):
            beyond_edge += 2 * channels * ((3 * side) ** 2 - (3 * side - 2) ** 2)
    assert operations(config) == counter.get_total_flops() - beyond_edge


def test_the_papers_network_in_numbers() -> None:
    assert operations(VIT_LARGE) == pytest.approx(190e9, rel=0.01)
    assert 1e9 < peak_operations_per_s("float32", CPU) < 1e15


def test_all_forms_encode_the_same_pictures() -> None:
    timings = time_forms(busy_network(), pictures(2), CPU, repeats=2)
    assert timings[0].form == PLAIN
    assert timings[0].cosine == pytest.approx(1)
    assert timings[1].form == "float32"
    for timing in timings:
        assert len(timing.seconds) == 2
        assert timing.floor_s > 0
        assert timing.cosine > 0.9995
        assert timing.to_json(timings[0])["ratio"] == timings[0].median_s / timing.median_s


def test_the_command_writes_what_it_measured(tmp_path: Path) -> None:
    out = tmp_path / "encode.json"
    arguments = ["encode", "--network", "demo", "--batch", "2", "--repeats", "1", "--device", "cpu", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    [*rows] = json.loads(out.read_text())["networks"]["demo"]
    assert rows[0]["form"] == PLAIN
    assert all(row["batch"] == 2 and row["cosine"] > 0.9995 for row in rows)
