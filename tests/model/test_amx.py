"""The tiles of AMX: their configuration, their arithmetic, their code, and the choice of the kernel.

On a processor without AMX, loops stand for the instructions, and their code is only written.
"""

import ctypes
import logging
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
import torch

from model import cpu_matching

if cpu_matching.kernel_name() is None:
    pytest.skip("there are no kernels for this processor", allow_module_level=True)

import llvmlite.binding as llvm
from llvmlite import ir

from model.cpu_kernels import amx_attention, amx_linear, amx_tiles, block_reading, compiled, row_codes
from model.cpu_kernels.amx_tiles import PlainTiles, ProcessorTiles, Signs, TileCode, configuration
from model.cpu_kernels.code import I64, POINTER, i64, moved
from model.cpu_kernels.compiled import Kernels, host_amx_tile, kernels_for, written
from model.cpu_kernels.encoding import encoding_kernels_for
from model.cpu_kernels.task import run_task
from model.cpu_kernels.tiles import TILES, AmxTile
from tests.model.guarded import Guarded
from tests.model.threads import threads

needs_amx = pytest.mark.skipif(host_amx_tile() is None, reason="this processor has no AMX, or it is not permitted")
FORMS = [PlainTiles, pytest.param(ProcessorTiles, marks=needs_amx)]
TILE = compiled.host_tile()


def test_all_tiles_have_their_full_size() -> None:
    content = configuration()
    assert len(content) == 64
    assert content[:2] == b"\1\0"  # the palette, and no row from which to continue
    assert np.frombuffer(content, np.uint16, 8, offset=16).tolist() == [64] * 8  # bytes of a row
    assert list(content[48:56]) == [16] * 8  # rows
    assert not any(content[2:16] + content[32:48] + content[56:])


def compiled_function(write: Callable[[ir.IRBuilder, list[Any]], None], arguments: int) -> Callable[..., None]:
    """Compile a function of pointers and, as the last one, a number of bytes."""
    module = ir.Module(name="tiles")
    signature = ir.FunctionType(ir.VoidType(), [*[POINTER] * arguments, I64])
    function = ir.Function(module, signature, name="tiles")
    build = ir.IRBuilder(function.append_basic_block("entry"))
    write(build, list(function.args))
    build.ret_void()
    engine = compiled.compiled(str(module))
    types = [*[ctypes.c_void_p] * arguments, ctypes.c_int64]
    callable_: Any = ctypes.CFUNCTYPE(None, *types)(engine.get_function_address("tiles"))
    callable_.engine = engine
    return callable_  # type: ignore[no-any-return]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stride", [64, 65, 200])
def test_tiles_multiply_signed_by_signed_and_unsigned_bytes(form: type[TileCode], stride: int) -> None:
    """The whole range of bytes, sums over two products, tiles from zero, and loads of rows that lie apart."""

    def write(build: ir.IRBuilder, arguments: list[Any]) -> None:
        left, right, sums, stride_bytes = arguments
        tiles = form(build)
        tiles.configure()
        tiles.load(7, left, stride_bytes)
        tiles.load(3, right, stride_bytes)
        signs: tuple[Signs, ...] = ("ss", "su", "us")
        for target, of_factors in enumerate(signs):
            tiles.zero(target)
            for _ in range(2):
                tiles.multiply(target, 7, 3, signs=of_factors)
            tiles.store(target, moved(build, sums, ir.Constant(I64, target * 1024)), i64(64))
        tiles.zero(0)
        tiles.store(0, moved(build, sums, ir.Constant(I64, 3 * 1024)), i64(64))
        tiles.release()

    rng = np.random.default_rng(stride)
    left, right = rng.integers(-128, 128, (2, 15 * stride + 64), dtype=np.int8)
    left[:4], right[:4] = -128, -128
    sums = np.full((4, 16, 16), 7, np.int32)
    compiled_function(write, 3)(*(each.ctypes.data for each in (left, right, sums)), stride)

    def rows(values: np.ndarray) -> np.ndarray:
        return np.stack([values[row * stride : row * stride + 64] for row in range(16)])

    fours = rows(right).reshape(16, 16, 4).swapaxes(1, 2).reshape(64, 16)  # (16 k, 16 n, 4) → (16 k · 4, 16 n)
    signed = rows(left).astype(np.int64)
    assert np.array_equal(sums[0], 2 * signed @ fours.astype(np.int64))
    assert np.array_equal(sums[1], 2 * signed @ fours.view(np.uint8).astype(np.int64))
    assert np.array_equal(sums[2], 2 * rows(left).view(np.uint8).astype(np.int64) @ fours.astype(np.int64))
    assert not sums[3].any()


@pytest.mark.parametrize("form", FORMS)
def test_tiles_multiply_bfloat16_and_are_stored_with_gaps(form: type[TileCode]) -> None:
    """Whole numbers up to 255 have eight bits, so products and sums are exact."""

    def write(build: ir.IRBuilder, arguments: list[Any]) -> None:
        left, right, sums, stride_bytes = arguments
        tiles = form(build)
        tiles.configure()
        tiles.load(1, left, i64(64))
        tiles.load(2, right, i64(64))
        tiles.zero(6)
        for _ in range(2):
            tiles.multiply_bfloat16(6, 1, 2)
        tiles.store(6, sums, stride_bytes)
        tiles.release()

    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randint(-255, 256, (16, 32), generator=generator).bfloat16() for _ in range(2))
    sums = torch.full((16, 20), 7.0)
    compiled_function(write, 3)(*(each.data_ptr() for each in (left, right, sums)), 4 * 20)
    pairs = right.view(16, 16, 2).transpose(1, 2).reshape(32, 16)  # (16 k, 16 n, 2) → (16 k · 2, 16 n)
    assert torch.equal(sums[:, :16], 2 * left.float() @ pairs.float())
    assert torch.equal(sums[:, 16:], torch.full((16, 4), 7.0))


def test_the_code_for_a_processor_with_amx_has_its_instructions() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    code = llvm.parse_assembly(str(written({"float32": TILES[0], "float16": TILES[0], "int8": AmxTile()})))
    code.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(cpu="sapphirerapids", opt=3, jit=True)
    assembly = machine.emit_assembly(code)
    kernel = assembly[assembly.index("\nnearest_int8:") :]
    kernel = kernel[: kernel.index(".Lfunc_end")]
    words = [line.split()[0] for line in kernel.splitlines() if line.strip()]
    assert {"ldtilecfg", "tilezero", "tileloadd", "tdpbssd", "tdpbsud", "tilestored"} <= set(words)
    assert words.count("ldtilecfg") == words.count("tilerelease") == words.count("retq") == 1
    assert "amx" not in {each[:3] for each in words if each.startswith("call")}


@needs_amx
def test_this_machine_counts_codes_with_amx() -> None:
    assert cpu_matching.kernel_name() == "amx-int8"


@pytest.mark.parametrize("missing", ["instructions", "permission"])
def test_without_instructions_or_permission_there_is_no_tile(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "may_use_tiles", lambda: missing != "permission")
    features = AmxTile.needs if missing == "permission" else AmxTile.needs - {"amx-int8"}
    monkeypatch.setattr(compiled, "_host_features", lambda: features)
    assert host_amx_tile() is None
    monkeypatch.setattr(compiled, "may_use_tiles", lambda: True)
    monkeypatch.setattr(compiled, "_host_features", lambda: AmxTile.needs)
    assert host_amx_tile() == AmxTile()


def test_another_system_than_linux_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not amx_tiles.may_use_tiles.__wrapped__()


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Kernels | None]:
    """Choose again, on a machine whose tiles are loops."""
    monkeypatch.setattr(compiled, "host_amx_tile", lambda: AmxTile(is_plain=True))
    return cpu_matching._kernels.__wrapped__


def test_a_kernel_that_passes_the_trial_counts_codes(chosen: Callable[[], Kernels | None]) -> None:
    kernels = chosen()
    assert kernels is not None
    assert kernels.names["int8"] == "amx-int8"
    assert kernels.names["float16"] == kernels_for(TILE).names["int8"]


@pytest.mark.parametrize("amx", [None, AmxTile(is_plain=True)])
@pytest.mark.parametrize(("panels", "together"), [(1, 1), (2, 3), (5, 2)])
def test_a_query_is_arranged_as_the_tile_says(amx: AmxTile | None, panels: int, together: int) -> None:
    kernels = kernels_for(TILE, amx)
    tile = kernels.tiles["int8"]
    shape = panels * tile.columns, together * tile.channels_together
    query = np.random.default_rng(0).integers(-(2**15), 2**15, shape, dtype=np.int16)
    found = np.zeros((panels, tile.columns * shape[1] // 2), np.int32)
    kernels.arrange["int8"](query.ctypes.data, panels, shape[1], found.ctypes.data)
    assert np.array_equal(found, tile.arranged(query).reshape(found.shape))


def test_a_kernel_that_counts_wrongly_is_not_chosen(
    chosen: Callable[[], Kernels | None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    multiply = PlainTiles.multiply

    def all_signed(self: PlainTiles, sums: int, left: int, right: int, **_: str) -> None:
        multiply(self, sums, left, right, signs="ss")

    monkeypatch.setattr(PlainTiles, "multiply", all_signed)
    monkeypatch.setattr(compiled, "kernels_for", compiled.kernels_for.__wrapped__)  # keep no wrong kernels
    with caplog.at_level(logging.WARNING):
        kernels = chosen()
    assert kernels is not None
    assert kernels.names["int8"] == kernels.names["float16"]
    [record] = caplog.records
    assert record.message.startswith("amx-int8 finds")
    assert f"{kernels.names['int8']} counts codes instead" in record.message


def count_guarded(missing_rows: int) -> None:
    """Count with every buffer between pages that nobody may touch; with missing rows this ends the process."""
    sizes = [(1, 1, 1), (63, 15, 64), (64, 16, 65), (65, 17, 128), (129, 100, 200)]
    tiles = [AmxTile(is_plain=True)] + [each for each in [host_amx_tile()] if each is not None]
    rng = np.random.default_rng(0)
    for (cells, others, channels), amx, at_end in product(sizes, [None, *tiles], [True, False]):
        kernels, guarded = kernels_for(TILE, amx), Guarded(at_end=at_end)
        tile = kernels.tiles["int8"]
        columns = cells + -cells % tile.columns
        rows, width = others + -others % tile.rows, channels + -channels % tile.channels_together
        query = rng.integers(-32_000 // width, 32_000 // width, (columns, width), dtype=np.int16)
        numbers = guarded.copy(query)
        panels = guarded.array((columns // tile.columns, tile.columns * width // 2), "int32")
        kernels.arrange["int8"](numbers.ctypes.data, len(panels), width, panels.ctypes.data)
        candidates = guarded.copy(rng.integers(-127, 128, (2, others, width), dtype=np.int8))
        query_squares = guarded.copy((query.astype(np.int32) ** 2).sum(axis=1, dtype=np.int32))
        memory = [guarded.array((rows, width), tile.numbers)]
        memory += [guarded.array((rows,), each) for each in ("int32", "float32", "int32", "int32")]
        memory.append(guarded.array((columns,), "int32"))
        taken, counts = guarded.copy(np.zeros(1, np.int64)), guarded.array((2,), "int64")
        shapes = 2, others, width, rows + missing_rows
        addresses = [each.ctypes.data for each in (*memory, taken, counts)]
        inputs = panels.ctypes.data, len(panels), query_squares.ctypes.data, candidates.ctypes.data
        kernels.count["int8"](*inputs, *shapes, -1.0, *addresses)
        scores = query.astype(np.int64) @ candidates.astype(np.int64).swapaxes(1, 2)
        assert counts.tolist() == [mutual(each, candidate) for each, candidate in zip(scores, candidates, strict=True)]


def mutual(scores: np.ndarray, codes: np.ndarray) -> int:
    """Count mutual pairs from whole scores, ``(L, M)``."""
    squares = (codes.astype(np.int32) ** 2).sum(axis=1).astype(np.float32)
    weighted = scores.astype(np.float32) * (np.float32(1) / np.sqrt(np.maximum(squares, np.float32(1))))
    forth, back = weighted.argmax(axis=1), scores.argmax(axis=0)
    return int((forth[back] == np.arange(len(codes))).sum())


def encode_guarded(missing_rows: int) -> None:
    """Round, multiply and attend as ``count_guarded`` counts."""
    tiles = [AmxTile(is_plain=True)] + [each for each in [host_amx_tile()] if each is not None]
    rng = np.random.default_rng(0)
    for tile, at_end in product(tiles, [True, False]):
        kernels, guarded = encoding_kernels_for(tile), Guarded(at_end=at_end)
        for rows, inner, outer in [(32, 64, 32), (33, 64, 64), (70, 128, 96)]:
            numbers = guarded.copy(rng.normal(size=(rows, inner)).astype(np.float32))
            codes, units = guarded.array((rows, inner), "uint8"), guarded.array((rows,), "float32")
            task = {"numbers": numbers, "codes": codes, "units": units}
            run(kernels.round_rows, row_codes.FIELDS, task, rows=rows, inner=inner)
            weights = torch.from_numpy(rng.integers(-63, 64, (outer, inner), dtype=np.int8))
            arrays = {
                "codes": codes,
                "weights": guarded.copy(amx_linear.arranged(weights).numpy()),
                "units": guarded.copy(np.ones(outer, np.float32)),
                "corrections": guarded.copy(128 * weights.numpy().sum(axis=1, dtype=np.int32)),
                "bias": guarded.copy(np.zeros(outer, np.float32)),
                "row_units": guarded.copy(np.ones(rows, np.float32)),
                "target": guarded.array((rows, outer), "float32"),
            }
            shape = {"rows": rows + missing_rows, "rows_together": 64, "inner": inner, "outer": outer}
            run(kernels.linear["none"], amx_linear.FIELDS, arrays, **shape)
            assert np.array_equal(arrays["target"], (codes.astype(int) - 128) @ weights.numpy().T.astype(int))
        for tokens, heads, width in [(1, 1, 32), (33, 2, 64), (64, 1, 96)]:
            padded = tokens + -tokens % 32
            arrays = {
                "inputs": guarded.copy(np.ones((2, tokens, 3, heads, width), np.float32)),
                "outputs": guarded.array((2, tokens, heads, width), "float32"),
                "memory": guarded.array((amx_attention.memory_bytes(padded, width),), "uint8"),
            }
            shape = {"pictures": 2, "tokens": tokens, "padded": padded, "heads": heads, "width": width}
            with threads(1):
                run(kernels.attend["float32"], amx_attention.FIELDS, arrays, memory_bytes=0, **shape)
            assert np.allclose(arrays["outputs"], 1)


def read_guarded(missing_rows: int) -> None:
    """Read codes of blocks as ``count_guarded`` counts, with every tile that this processor supports."""
    tiles = [AmxTile(is_plain=True), *(each for each in (host_amx_tile(), TILE) if each is not None)]
    rng = np.random.default_rng(0)
    shapes = [(1, 1, 16, (1,)), (2, 65, 21, (3, 9)), (1, 129, 40, (8, 25))]
    for tile, at_end, (pictures, blocks, channels, widths) in product(tiles, [True, False], shapes):
        kernel, guarded = block_reading.block_reading_for(tile), Guarded(at_end=at_end)
        count = sum(widths) + -sum(widths) % kernel.axes_together
        widths_here = np.array([*widths[:-1], widths[-1] + count - sum(widths)])
        axes = rng.integers(-100, 101, (count, 2 * channels), dtype=np.int16)
        of_bytes = [rng.integers(-50, 51, (256, width), dtype=np.int16) for width in widths_here]
        stored = rng.integers(0, 256, (pictures, blocks, len(widths)), dtype=np.uint8)
        joined = np.concatenate([*map(np.ravel, of_bytes), np.zeros(block_reading.COPIED, np.int16)])
        arrays = {
            "stored": guarded.copy(stored),
            "widths": guarded.copy(widths_here),
            "entries": guarded.copy(kernel.named(joined).view(torch.int16).numpy()),
            "axes": guarded.copy(kernel.arranged(axes, 2).view(torch.int16).numpy()),
            "cell_of_place": guarded.copy(np.arange(2 * blocks, dtype=np.int32)),
            "codes": guarded.array((pictures, 2 * blocks, channels), "int8"),
            "memory": guarded.array((kernel.memory_bytes(count, channels),), "uint8"),
        }
        numbers = {"blocks": pictures * blocks + missing_rows, "blocks_of_picture": blocks, "width": len(widths)}
        numbers |= {"axes_count": count, "cells_of_block": 2, "channels": channels, "cells": 2 * blocks}
        with threads(1):
            run(kernel.read_blocks, block_reading.FIELDS, arrays, memory_bytes=0, **numbers)
        named = np.concatenate([entries[stored[..., byte]] for byte, entries in enumerate(of_bytes)], axis=-1)
        sums = (named.astype(np.float32) @ axes.astype(np.float32)).reshape(arrays["codes"].shape)
        largest = np.maximum(np.abs(sums).max(axis=-1, keepdims=True), 1)
        assert np.array_equal(arrays["codes"], np.rint(sums * (127 / largest)))


def run(function: int, fields: Sequence[str], arrays: Mapping[str, np.ndarray], **numbers: int) -> None:
    run_task(function, fields, **{name: array.ctypes.data for name, array in arrays.items()}, **numbers)


@pytest.mark.skipif(not hasattr(signal, "SIGSEGV"), reason="pages cannot be protected here")
@pytest.mark.parametrize("work", [count_guarded, encode_guarded, read_guarded])
@pytest.mark.parametrize(("missing_rows", "ends"), [(0, 0), (64, -signal.SIGSEGV)])
def test_nothing_outside_of_the_buffers_is_read_or_written(
    work: Callable[[int], None], missing_rows: int, ends: int
) -> None:
    process = get_context("spawn").Process(target=work, args=(missing_rows,))
    process.start()
    process.join()
    assert process.exitcode == ends
