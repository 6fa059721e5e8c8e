"""The choice of the arithmetic for encoding pictures, with its reason."""

import pytest
import torch

from model.errors import DeviceUnavailable
from model.network_precision import NetworkPrecision, choose_network_precision, has_native_bfloat16

CPU = torch.device("cpu")


@pytest.fixture(params=[True, False], ids=["native", "emulated"])
def is_native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Simulate a CPU with bfloat16 or without, as torch would describe them."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True, "avx512_bf16": request.param})
    return bool(request.param)


def test_this_processor_is_asked() -> None:
    assert has_native_bfloat16(CPU) == (
        torch.cpu.get_capabilities().get("avx512_bf16", False) or torch.cpu.get_capabilities().get("amx_bf16", False)
    )


def test_amx_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert has_native_bfloat16(CPU)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # as on a processor that torch knows nothing about
    assert not has_native_bfloat16(CPU)


def test_float32_can_always_be_had(is_native: bool) -> None:
    choice = choose_network_precision("float32", CPU, ["bfloat16"])
    assert (choice.precision, choice.reason) == ("float32", "float32 was asked for")
    assert has_native_bfloat16(CPU) is is_native


def test_bfloat16_is_refused_where_it_would_be_emulated(is_native: bool) -> None:
    if is_native:
        assert choose_network_precision("bfloat16", CPU, ["float32"]).precision == "bfloat16"
        return
    with pytest.raises(DeviceUnavailable, match=r"avx512_bf16.*--network-precision float32"):
        choose_network_precision("bfloat16", CPU)


@pytest.mark.parametrize(
    ("of_maps", "on_native", "reason"),
    [
        ([], "bfloat16", "multiplies bfloat16 in hardware"),
        (["bfloat16"], "bfloat16", "as the map was encoded"),
        (["float32"], "float32", "as the map was encoded"),
        (["bfloat16", "float32"], "float32", "the maps were encoded in bfloat16 and float32"),
    ],
)
def test_auto_takes_that_of_the_maps(
    is_native: bool, of_maps: list[NetworkPrecision], on_native: NetworkPrecision, reason: str
) -> None:
    choice = choose_network_precision("auto", CPU, of_maps)
    if is_native or "float32" in of_maps:
        assert choice.precision == on_native
        assert reason in choice.reason
    else:
        assert choice.precision == "float32"
        assert "does not multiply bfloat16" in choice.reason
        assert ("in which the map was encoded" in choice.reason) is bool(of_maps)


@pytest.mark.parametrize(
    ("capability", "of_maps", "expected", "reason"),
    [
        ("AVX2", ["int8", "int8"], "int8", "as the map was encoded"),
        ("DEFAULT", ["int8"], "float32", "encoded in int8, which is for x86 processors with AVX2"),
        ("AVX512", ["int8", "float32"], "float32", "the maps were encoded in float32 and int8"),
        ("AVX512", ["int8", "bfloat16"], "float32", "the maps were encoded in bfloat16 and int8"),
    ],
)
def test_auto_takes_int8_for_maps_of_it_alone(
    monkeypatch: pytest.MonkeyPatch, capability: str, of_maps: list[NetworkPrecision], expected: str, reason: str
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    choice = choose_network_precision("auto", CPU, of_maps)
    assert choice.precision == expected
    assert reason in choice.reason


def test_int8_is_never_chosen_for_a_new_map_and_can_be_asked_for(
    is_native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert choose_network_precision("auto", CPU).precision == ("bfloat16" if is_native else "float32")
    assert choose_network_precision("int8", CPU, ["float32"]).reason == "int8 was asked for"
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    with pytest.raises(DeviceUnavailable, match="the processor cannot encode in it"):
        choose_network_precision("int8", CPU)
    with pytest.raises(DeviceUnavailable, match="the GPU cannot encode in it"):
        choose_network_precision("int8", torch.device("cuda"))
