"""Files that must not load: the error says what is wrong, and where."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from model.weights import load_network, save_network
from model.weights_errors import WeightsError
from tests.model.weight_file_factory import TINY, backbone_state, random_network, reference_state, write_reference


def refusal(path: Path, num_heads: int | None = 4) -> str:
    with pytest.raises(WeightsError) as caught:
        load_network(path, num_heads)
    assert str(path) in caught.value.message
    return caught.value.message


# Files that are not checkpoints


def test_a_missing_file(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "a.pth")


def test_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")  # opening it would wait forever
    assert "not a regular file" in refusal(tmp_path / "pipe.pth")


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><title>Google Drive - Virus scan warning</title>", "is a web page"),
        (b"\n  <html><body>Sign in</body></html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "begins with b'\\x89PNG"),
        (b"\x80", "is not a checkpoint"),
        (b"\x80\x02garbage", "cannot be read as a PyTorch checkpoint"),
        (b"\x80\x02" + bytes(1000), "cannot be read as a PyTorch checkpoint"),
        (b"PK\x03\x04" + bytes(1000), "truncated or damaged"),
        ((10**15).to_bytes(8, "little") + b'{"a":', "truncated or damaged"),
        ((4).to_bytes(8, "little") + b'{"a"', "truncated or damaged"),
    ],
)
def test_what_is_no_checkpoint(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "SelaVPR_msls.pth"
    path.write_bytes(content)
    assert expected in refusal(path)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write_reference(tmp_path / "a.pth", random_network())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "cannot be read: Permission denied" in refusal(path)


def test_a_zip_with_the_checkpoint_inside(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "drive.zip", "w") as archive:
        archive.writestr("SelaVPR_msls.pth", b"anything")
    message = refusal(tmp_path / "drive.zip")
    assert "it holds SelaVPR_msls.pth" in message
    assert "unpack it" in message


def test_a_torchscript_program(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("a/data.pkl", b"")
        archive.writestr("a/constants.pkl", b"")
    assert "TorchScript" in refusal(tmp_path / "a.pth")


def test_an_archive_that_was_compressed_again(tmp_path: Path) -> None:
    original = write_reference(tmp_path / "a.pth", random_network())
    with zipfile.ZipFile(original) as source, zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert "compressed" in refusal(tmp_path / "b.pth")


def test_a_pickle_under_the_name_of_a_safetensors_file(tmp_path: Path) -> None:
    path = write_reference(tmp_path / "a.safetensors", random_network())
    assert "rename it to a.pth" in refusal(path)


# Files that were checkpoints


@pytest.mark.parametrize("kept", [0.999, 0.5, 0.01])
@pytest.mark.parametrize("suffix", [".pth", ".legacy.pth", ".safetensors"])
def test_a_truncated_file(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"a{suffix}"
    network = random_network()
    if suffix == ".safetensors":
        save_network(network, path)
    else:
        torch.save(reference_state(network), path, _use_new_zipfile_serialization=suffix == ".pth")
    os.truncate(path, int(path.stat().st_size * kept))
    refusal(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_one_flipped_bit_in_the_weights(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    network = random_network()
    if suffix == ".pth":
        write_reference(path, network)
    else:
        save_network(network, path)
    content = bytearray(path.read_bytes())
    marker = network.state_dict()["backbone.blocks.1.mlp.fc1.weight"].numpy().tobytes()
    content[content.index(marker) + 1001] ^= 1
    path.write_bytes(content)
    assert "is damaged" in refusal(path)


# Pickles that run code


class Malicious:
    def __init__(self, evidence: Path) -> None:
        self.evidence = evidence

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.system, (f"touch {self.evidence}",)


@pytest.mark.parametrize("is_archive", [True, False])
def test_a_pickle_that_runs_a_command_is_refused_and_not_run(tmp_path: Path, is_archive: bool) -> None:
    evidence, path = tmp_path / "evidence", tmp_path / "a.pth"
    extras = {"model_state_dict": reference_state(random_network()), "epoch_num": Malicious(evidence)}
    torch.save(extras, path, _use_new_zipfile_serialization=is_archive)
    message = refusal(path)
    assert "asks to run posix.system" in message
    assert not evidence.exists()
    torch.load(path, weights_only=False)
    assert evidence.exists(), "the file is harmless, so this test shows nothing"


def test_a_bare_pickle_that_runs_a_command_is_refused_and_not_run(tmp_path: Path) -> None:
    evidence, path = tmp_path / "evidence", tmp_path / "a.pth"
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(Malicious(evidence), protocol=protocol))
        assert "set to `False`" not in refusal(path)  # torch's advice
    assert not evidence.exists()


@pytest.mark.parametrize("name", ["numpy.core.multiarray fromfile", "numpy load", "numpy._core.multiarray arange"])
def test_of_numpy_only_what_stands_for_numbers_is_allowed(tmp_path: Path, name: str) -> None:
    path = write_reference(tmp_path / "a.pth", random_network())
    called = f"c{name.replace(' ', chr(10))}\n".encode()
    _replace_pickle(path, b"\x80\x02" + called + b"K\x03\x85R.")
    assert f"asks to run {name.replace(' ', '.')}" in refusal(path)


def _replace_pickle(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, record in records.items():
            archive.writestr(name, content if name.endswith("/data.pkl") else record)


def test_the_list_of_allowed_names_is_not_left_open(tmp_path: Path) -> None:
    before = set(torch.serialization.get_safe_globals())
    load_network(write_reference(tmp_path / "a.pth", random_network()), num_heads=4)
    assert set(torch.serialization.get_safe_globals()) == before


# Checkpoints of other networks


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (torch.zeros(3), "holds a Tensor"),
        ([torch.zeros(3)], "holds a list"),
        ({}, "holds no tensors"),
        ({"model_state_dict": {}}, "holds no tensors"),
        ({"model_state_dict": 5}, "holds no tensors"),
        ({"teacher": {"backbone.cls_token": torch.zeros(1)}}, "no tensors: teacher"),
        ({"module.backbone.cls_token": torch.zeros(1, 1, 64), "epoch": 3}, "no tensors: epoch"),
        ({3: torch.zeros(1)}, "no tensors: 3"),
        ({"layer1.weight": torch.zeros(2), "fc.bias": torch.zeros(2)}, "found layer1.weight, fc.bias"),
        ({"blocks.0.mlp.w12.weight": torch.zeros(2), "cls_token": torch.zeros(1, 1, 1536)}, "ViT-g"),
    ],
)
def test_a_checkpoint_of_something_else(tmp_path: Path, content: object, expected: str) -> None:
    torch.save(content, tmp_path / "a.pth")
    assert expected in refusal(tmp_path / "a.pth")


# Tensors that do not fit

Change = Callable[[dict[str, Tensor]], object]
BLOCK = "module.backbone.blocks.1"


def set_value(name: str, value: float) -> Change:
    return lambda state: state[name].view(-1)[0].fill_(value)


def rename(old: str, new: str) -> Change:
    def change(state: dict[str, Tensor]) -> None:
        state[new] = state.pop(old)

    return change


def reshape(name: str, *shape: int) -> Change:
    return lambda state: state.update({name: torch.zeros(shape)})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda state: state.pop(f"{BLOCK}.ls1.gamma"), [f"1 of 56 tensors are missing: {BLOCK}.ls1.gamma."]),
        (lambda state: state.pop("module.LocalAdapt.upconv2.bias"), ["missing: module.LocalAdapt.upconv2.bias"]),
        (lambda state: state.pop("module.aggregation.1.p"), ["missing: module.aggregation.1.p"]),
        (
            lambda state: state.pop("module.backbone.cls_token"),
            ["without module.backbone.cls_token not even the shape"],
        ),
        (reshape("module.backbone.blocks.0.ls3.gamma", 64), ["1 tensor too many: module.backbone.blocks.0.ls3.gamma"]),
        (reshape("module.head.weight", 5), ["1 tensor too many: module.head.weight"]),
        (
            reshape("module.backbone.blocks.0.serial_adapter.down.scale", 5),
            ["too many: module.backbone.blocks.0.serial_adapter.down.scale"],
        ),
        (
            rename(f"{BLOCK}.norm1.bias", f"{BLOCK}.norm1.beta"),
            [f"missing: {BLOCK}.norm1.bias", f"too many: {BLOCK}.norm1.beta"],
        ),
        (reshape(f"{BLOCK}.mlp.fc1.weight", 256, 63), [f"{BLOCK}.mlp.fc1.weight is (256, 63), expected (256, 64)"]),
        (reshape(f"{BLOCK}.adapter1.D_fc2.weight", 64, 16), ["D_fc2.weight is (64, 16), expected (64, 32)"]),
        (reshape("module.aggregation.1.p"), ["module.aggregation.1.p is (), expected (1,)"]),
        (reshape("module.backbone.cls_token", 64), ["module.backbone.cls_token has the shape (64,)"]),
        (reshape("module.backbone.pos_embed", 1, 18, 64), ["module.backbone.pos_embed has 18 rows"]),
        (reshape("module.backbone.pos_embed", 1, 1, 64), ["module.backbone.pos_embed has 1 rows"]),
        (reshape("module.backbone.register_tokens", 4), ["module.backbone.register_tokens has the shape (4,)"]),
        (reshape("module.backbone.blocks.0.adapter2.D_fc1.weight", 16, 64), ["different bottlenecks", "32", "16"]),
        (
            reshape("module.backbone.blocks.99999999999.norm1.bias", 64),
            [
                "too many: module.backbone.blocks.99999999999.norm1.bias",
                "missing: module.backbone.blocks.2.norm1.weight",
            ],
        ),
        (
            set_value(f"{BLOCK}.attn.qkv.weight", float("nan")),
            [f"NaN or infinity in 1 tensor: {BLOCK}.attn.qkv.weight"],
        ),
        (set_value("module.LocalAdapt.upconv1.bias", float("-inf")), ["module.LocalAdapt.upconv1.bias"]),
        (
            lambda state: state.update({f"{BLOCK}.norm1.bias": torch.zeros(64, dtype=torch.int64)}),
            [f"{BLOCK}.norm1.bias is (64,) int64"],
        ),
        (
            lambda state: state.update({f"{BLOCK}.norm1.bias": torch.zeros(64, dtype=torch.float64)}),
            [f"{BLOCK}.norm1.bias is (64,) float64"],
        ),
        (
            lambda state: state.update({f"{BLOCK}.norm1.bias": torch.zeros(64).to_sparse()}),
            [f"{BLOCK}.norm1.bias is (64,) sparse"],
        ),
        (
            lambda state: state.update({f"{BLOCK}.norm1.bias": torch.zeros(64, device="meta")}),
            [f"{BLOCK}.norm1.bias is (64,) without contents"],
        ),
        (reshape("backbone.cls_token", 1, 1, 64), ["56 of its 57 tensors have names that begin with module."]),
        (reshape("module.upconv.weight", 64, 32, 3, 3), ["the same tensor twice", "module.upconv.weight"]),
    ],
)
def test_tensors_that_do_not_fit_are_named(tmp_path: Path, change: Change, expected: list[str]) -> None:
    message = refusal(write_reference(tmp_path / "a.pth", random_network(), change))
    for part in expected:
        assert part in message


def test_of_many_tensors_the_first_are_named_and_all_are_counted(tmp_path: Path) -> None:
    def drop_a_block(state: dict[str, Tensor]) -> None:
        for name in [name for name in state if name.startswith(f"{BLOCK}.") and "norm" not in name]:
            del state[name]

    message = refusal(write_reference(tmp_path / "a.pth", random_network(), drop_a_block))
    assert "18 of 56 tensors are missing" in message
    assert message.count(BLOCK) == 5
    assert "and 13 more" in message


def test_a_backbone_of_dinov2_speaks_in_its_own_names(tmp_path: Path) -> None:
    state = backbone_state(random_network())
    del state["blocks.1.ls2.gamma"]
    state["head.weight"] = torch.zeros(3)
    torch.save(state, tmp_path / "a.pth")
    message = refusal(tmp_path / "a.pth")
    assert "missing: blocks.1.ls2.gamma" in message
    assert "too many: head.weight" in message


def test_a_few_bytes_that_claim_to_be_a_huge_tensor(tmp_path: Path) -> None:
    def inflate(state: dict[str, Tensor]) -> None:
        state["module.backbone.pos_embed"] = torch.zeros(1).expand(1, 1 + 30_000**2, 64)

    assert "is damaged: its tensors claim" in refusal(write_reference(tmp_path / "a.pth", random_network(), inflate))


@pytest.mark.parametrize(
    ("width", "num_heads", "expected"),
    [
        (60, None, "a width of 60 is not a multiple of 64"),
        (64, 3, "cannot be shared by 3 attention heads"),
        (64, 0, "num_heads = 0 is not a positive whole number"),
        (64, -4, "num_heads = -4 is not a positive whole number"),
    ],
)
def test_heads_that_make_no_sense(tmp_path: Path, width: int, num_heads: int | None, expected: str) -> None:
    path = write_reference(tmp_path / "a.pth", random_network(replace(TINY, embed_dim=width, num_heads=4)))
    message = refusal(path, num_heads)
    assert expected in message


# Files of Placefix


def test_heads_that_contradict_our_own_file(tmp_path: Path) -> None:
    save_network(random_network(), tmp_path / "a.safetensors")
    assert "has 4 attention heads, not 2" in refusal(tmp_path / "a.safetensors", num_heads=2)


def test_safetensors_of_another_program(tmp_path: Path) -> None:
    safetensors.torch.save_file(reference_state(random_network()), tmp_path / "a.safetensors", {"format": "pt"})
    assert "of another program" in refusal(tmp_path / "a.safetensors")


def rewrite(path: Path, change: Callable[[dict[str, Any], dict[str, Tensor]], object]) -> Path:
    """Save a network of Placefix, and change its metadata or tensors."""
    save_network(random_network(), path)
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = json.loads(file.metadata()["placefix"])
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    change(metadata, tensors)
    safetensors.torch.save_file(tensors, path, {"placefix": json.dumps(metadata)})
    return path


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda metadata, _: metadata.update(version=2), "has the format placefix-network 2"),
        (lambda metadata, _: metadata.update(format="other"), "has the format other 1"),
        (lambda metadata, _: metadata.pop("fingerprint"), "its metadata cannot be understood"),
        (lambda metadata, _: metadata.pop("config"), "its metadata cannot be understood"),
        (lambda metadata, _: metadata["config"].update(wings=2), "its metadata cannot be understood"),
        (lambda metadata, _: metadata["config"].update(depth="2"), "its metadata cannot be understood"),
        (lambda metadata, _: metadata["config"].update(depth=3), "missing: backbone.blocks.2.norm1.weight"),
        (lambda metadata, _: metadata["config"].update(num_heads=8), "do not have the fingerprint"),
        (lambda metadata, _: metadata["config"].update(adapter_dim=16), "is (32, 64), expected (16, 64)"),
        (lambda _, tensors: tensors["pooling.p"].fill_(4.0), "do not have the fingerprint"),
        (lambda _, tensors: tensors.pop("pooling.p"), "1 of 56 tensors are missing: pooling.p"),
        (lambda _, tensors: tensors.update(extra=torch.zeros(2)), "1 tensor too many: extra"),
        (lambda _, tensors: tensors["pooling.p"].fill_(float("nan")), "NaN or infinity in 1 tensor: pooling.p"),
    ],
)
def test_our_own_file_with_something_changed(
    tmp_path: Path, change: Callable[[dict[str, Any], dict[str, Tensor]], object], expected: str
) -> None:
    assert expected in refusal(rewrite(tmp_path / "a.safetensors", change), num_heads=None)


def test_metadata_that_is_no_object(tmp_path: Path) -> None:
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", {"placefix": "[1]"})
    assert "its metadata cannot be understood" in refusal(tmp_path / "a.safetensors")
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", {"placefix": "{"})
    assert "its metadata cannot be understood" in refusal(tmp_path / "a.safetensors")
