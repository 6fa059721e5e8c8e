"""The timed forms compute the same, and the floor counts the products."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.ablations.measure import measure
from benchmarks.ablations.outcome import recall_percent
from benchmarks.encoding.floor import operations, peak_operations_per_s
from benchmarks.encoding.networks import network_of
from benchmarks.encoding.recall import REFERENCE
from benchmarks.encoding.speed import PLAIN, forms_of, peaks_of, time_forms
from benchmarks.split import read_split
from model.errors import InvalidInput
from model.network_precision import can_pack, has_native_bfloat16
from model.selavpr.config import VIT_LARGE
from model.weights import save_network
from tests.benchmarks.town_split import write_split
from tests.model.frozen.busy_network import BUSY_CONFIG, busy_network, pictures

CPU = torch.device("cpu")
LEAST_COSINES = {"int8": 0.999}  # other forms reach 0.9995


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
    # torch also counts the products of up-convolutions with the padding: nine for each cell.
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
    network = busy_network()
    forms = forms_of(network, CPU)
    timings = time_forms(forms, operations(network.config), peaks_of(forms, CPU), pictures(2), CPU, repeats=2)
    assert timings[0].form == PLAIN
    assert timings[0].cosine == pytest.approx(1)
    assert timings[1].form == "float32"
    for timing in timings:
        assert len(timing.seconds) == 2
        assert timing.floor_s > 0
        assert timing.cosine > LEAST_COSINES.get(timing.form, 0.9995)
        assert timing.to_json(timings[0])["ratio"] == timings[0].median_s / timing.median_s


def test_the_command_writes_what_it_measured(tmp_path: Path) -> None:
    out = tmp_path / "encode.json"
    arguments = ["encode", "--network", "demo", "--batch", "2", "--repeats", "1", "--device", "cpu", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    [*rows] = json.loads(out.read_text())["networks"]["demo"]
    assert rows[0]["form"] == PLAIN
    assert all(row["batch"] == 2 and row["cosine"] > LEAST_COSINES.get(row["form"], 0.9995) for row in rows)
    assert [row["form"] for row in rows[1:]] == [
        "float32",
        *(["bfloat16"] if has_native_bfloat16(CPU) else []),
        *(["int8"] if can_pack(CPU) else []),
    ]


@pytest.mark.parametrize("rounded", ["bfloat16", "int8"])
def test_recall_on_a_town_in_every_pairing_of_precisions(tmp_path: Path, rounded: str) -> None:
    if not (has_native_bfloat16(CPU) if rounded == "bfloat16" else can_pack(CPU)):
        pytest.skip(f"this processor has no products in {rounded}")
    split, weights, out = write_split(tmp_path / "town"), tmp_path / "busy.safetensors", tmp_path / "town.json"
    save_network(busy_network(), weights)
    arguments = [
        "--database",
        split / "database.csv",
        "--queries",
        split / "queries.csv",
        "--network",
        weights,
        "--shortlist",
        10,
        "--out",
        out,
        "--device",
        "cpu",
    ]
    arguments += ["--rounded", rounded]
    result = CliRunner().invoke(app, ["encode-recall", *map(str, arguments)])
    assert result.exit_code == 0, (result.output, result.exception)
    summary = json.loads(out.read_text())
    assert (summary["database"], summary["queries"], len(summary["rows"])) == (12, 12, 4)
    reference = summary["rows"][str(REFERENCE)]
    assert reference["before R@1 difference"] == {"value": 0, "low": 0, "high": 0}
    # The retrieval of another benchmark, which encodes with the plain network, gives the same.
    read = read_split(split)
    expected = measure(busy_network(), read.database, read.queries, CPU, shortlist=10)
    for stage, reranked in (("before", 0), ("after", 10)):
        for at in (1, 5, 10):
            percent = recall_percent(expected.first_right(reranked), at)
            assert reference[f"{stage} R@{at}"]["value"] == pytest.approx(percent)
    assert 0 < summary["distributions"][f"map {rounded}, queries {rounded}"]["largest"] < 0.05


def test_a_network_that_is_not_there_is_told() -> None:
    with pytest.raises(InvalidInput, match=r"vitl15 is neither a file nor one of .*vitl14, demo"):
        network_of("vitl15")
