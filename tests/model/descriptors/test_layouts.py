"""Published files: recognised by their names, and loaded completely or refused with the wrong names."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
import torch
from torch import Tensor

from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.families import family_named
from model.weight_files.layouts import interpret, name_in_file
from model.weight_files.weight_file import WeightFile
from model.weights import describe_weights, load_network
from model.weights_errors import WeightsError
from tests.golden.peers.networks import make_network
from tests.golden.peers.recordings import read_recording
from tests.golden.peers.select_recordings import METHODS, TWO_STAGE

PUBLISHED = "cosplace_resnet18_512"


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    return {name: torch.from_numpy(tensor) for name, tensor in read_recording(PUBLISHED).weights().items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"model_state_dict": {f"module.{name}": tensor for name, tensor in state.items()}},
        lambda state: {"state_dict": state, "epoch": 7, "recalls": {1: 0.5}, "parallel": True},
    ],
    ids=["bare", "benchmark", "lightning"],
)
def test_a_published_file_is_the_network_that_was_recorded(
    published: dict[str, Tensor], wrap: Callable[[dict[str, Tensor]], object], tmp_path: Path
) -> None:
    torch.save(wrap(published), tmp_path / "published.pth")
    loaded = load_network(tmp_path / "published.pth")
    expected = make_network(read_recording(PUBLISHED))
    assert (loaded.family, loaded.is_trained, loaded.config) == ("cosplace", True, expected.config)
    assert all(torch.equal(loaded.state_dict()[name], tensor) for name, tensor in expected.state_dict().items())
    description = describe_weights(tmp_path / "published.pth")
    assert description.kind == "CosPlace or EigenPlaces checkpoint"
    assert description.parameters == {"backbone": 11_176_512, "aggregation": 512 * 512 + 512 + 1}


def read_shape(
    method: str, renamed: Mapping[str, str | None] = MappingProxyType({})
) -> tuple[WeightFile, dict[str, object]]:
    """Return the configuration read from the names and shapes of a recorded network, without its numbers.

    Args:
        method: The name of the method.
        renamed: Other names for some of its tensors; None leaves a tensor out.
    """
    shapes = {renamed.get(name, name): shape for name, shape, _init in read_recording(method).tensors}
    with torch.device("meta"):
        state = {name: torch.empty(shape) for name, shape in shapes.items() if name is not None}
    weights = interpret(state, Path(method))
    assert isinstance(weights.layout, CheckpointLayout)
    own = FileShapes({name: tuple(tensor.shape) for name, tensor in weights.tensors.items()})
    return weights, weights.layout.read_config(own).to_dict()


def change(state: dict[str, Tensor], name: str, tensor: Tensor | None) -> dict[str, Tensor]:
    kept = {each: value for each, value in state.items() if each != name}
    return kept if tensor is None else kept | {name: tensor}


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("backbone.4.0.conv1.weight", None, r"1 of 103 tensors are missing: backbone\.4\.0\.conv1\.weight"),
        ("aggregation.3.weight", None, r"incomplete: without aggregation\.3\.weight not even the shape"),
        ("aggregation.4.weight", torch.zeros(3), r"1 tensor too many: aggregation\.4\.weight"),
        ("backbone.8.num_batches_tracked", torch.zeros(()), r"1 tensor too many: backbone\.8\.num_batches_tracked"),
        ("backbone.1.bias", torch.zeros(65), r"backbone\.1\.bias is \(65,\), expected \(64,\)"),
        ("backbone.1.bias", torch.full((64,), torch.nan), r"NaN or infinity in 1 tensor: backbone\.1\.bias"),
        ("aggregation.3.weight", torch.zeros(512), r"projection\.weight has the shape \(512,\), where 2 dimensions"),
        ("backbone.6.9.conv1.weight", torch.zeros(1), "no ResNet that is known here has 3 blocks in its third stage"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(
    published: dict[str, Tensor], name: str, tensor: Tensor | None, message: str, tmp_path: Path
) -> None:
    torch.save(change(published, name, tensor), tmp_path / "published.pth")
    with pytest.raises(WeightsError, match=message):
        load_network(tmp_path / "published.pth")


def test_heads_are_not_asked_for(published: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(published, tmp_path / "published.pth")
    with pytest.raises(WeightsError, match="leave --num-heads out"):
        load_network(tmp_path / "published.pth", num_heads=4)


@pytest.mark.parametrize(
    ("method", "family", "config"),
    [
        ("cosplace_resnet50_2048", "cosplace", {"backbone": "resnet50", "descriptor_dim": 2048}),
        ("cosplace_vgg16_512", "cosplace", {"backbone": "vgg16", "descriptor_dim": 512}),
        ("gem_resnet50conv4_dvglb", "gem", {"stages": 3, "normalised": "before", "projected_dim": 0}),
        ("gem_resnet50conv5_dvglb_fc2048", "gem", {"stages": 4, "normalised": "before", "projected_dim": 2048}),
        ("gem_resnet50_gsv", "gem", {"stages": 4, "normalised": "after", "pictures": "gsv-cities"}),
        ("mixvpr_4096", "mixvpr", {"backbone": "resnet50", "channels": 1024, "rows": 4, "depth": 4}),
        ("mixvpr_512", "mixvpr", {"channels": 256, "rows": 2}),
        ("salad_dinov2b_8448", "salad", {"backbone": "vitb14", "clusters": 64, "cluster_dim": 128, "token_dim": 256}),
        ("megaloc_8448", "megaloc", {"cluster_dim": 256, "token_dim": 256, "descriptor_dim": 8448}),
        ("boq_dinov2b_12288", "boq", {"backbone": "vitb14", "channels": 384, "rows": 32, "queries": 64, "blocks": 2}),
        ("boq_resnet50_16384", "boq", {"backbone": "resnet50", "channels": 512}),
        ("netvlad_nanne", "netvlad", {"origin": "pytorch", "clusters": 64, "bias": "none", "whitened_dim": 0}),
        ("netvlad_nanne_vladv2", "netvlad", {"origin": "pytorch", "bias": "learned"}),
        ("netvlad_matlab_32768", "netvlad", {"origin": "matlab", "clusters": 64, "whitened_dim": 0}),
        ("netvlad_matlab_pca4096", "netvlad", {"origin": "matlab", "whitened_dim": 4096}),
        ("sfrs_embednetpca", "sfrs", {"clusters": 64, "whitened_dim": 4096}),
        ("sfrs_embednet", "sfrs", {"whitened_dim": 0}),
        ("patchnetvlad_s_512", "patchnetvlad", {"clusters": 16, "whitened_dim": 512, "patch_sizes": "5"}),
        ("patchnetvlad_p_4096", "patchnetvlad", {"whitened_dim": 4096, "patch_sizes": "2,5,8"}),
        ("transvpr_256", "transvpr", {"dim": 256, "mlp_dim": 512, "descriptor_dim": 256}),
        (
            "r2former_256",
            "r2former",
            {"dim": 384, "depth": 12, "descriptor_dim": 256, "local_dim": 128, "pair_dim": 32, "pairs": "network"}
            | {"pair_depth": 6, "pair_match_depth": 2},
        ),
    ],
)
def test_family_and_shape_are_read_from_names_and_shapes(method: str, family: str, config: dict[str, object]) -> None:
    weights, read = read_shape(method)
    assert weights.family == family
    with torch.device("meta"):
        network = family_named(family).make(read, is_trained=True)
    assert weights.unknown == ()
    assert weights.tensors.keys() == network.state_dict().keys()
    assert {name: value for name, value in read.items() if name in config} == config


@pytest.mark.parametrize("method", METHODS + TWO_STAGE)
def test_a_missing_tensor_has_the_name_of_the_file(method: str) -> None:
    weights, _ = read_shape(method)
    published = {name for name, _shape, _init in read_recording(method).tensors}
    assert {name_in_file(weights, name) for name in weights.tensors} <= published
    without_memory = replace(weights, file_names={})
    assert {name_in_file(without_memory, name) for name in weights.tensors} <= published


def test_the_unused_norm_of_boq_may_be_there_or_not() -> None:
    method = "boq_dinov2b_12288"
    names = {name for name, _shape, _init in read_recording(method).tensors}
    norm = {"backbone.dino.norm.weight", "backbone.dino.norm.bias"}
    assert norm <= names
    present, _ = read_shape(method)
    absent, _ = read_shape(method, dict.fromkeys(norm))
    assert present.tensors.keys() == absent.tensors.keys()
    assert present.unknown == absent.unknown == ()
    other, _ = read_shape(method, {"backbone.dino.norm.bias": "backbone.dino.norms.bias"})
    assert other.tensors.keys() - present.tensors.keys() == {"backbone.norms.bias"}  # and so refused as one too many


@pytest.mark.parametrize("frozen", [1, 2])
def test_both_namings_of_the_resnet_of_boq_are_one(frozen: int) -> None:
    method = "boq_resnet50_16384"
    expected, config = read_shape(method)
    parts = {"0.": "frozen_layers.0.0.", "1.": "frozen_layers.0.1."}
    for stage in range(1, 4):
        part = f"frozen_layers.{stage}." if stage <= frozen else f"unfrozen_layers.{stage - frozen - 1}."
        parts[f"{stage + 3}."] = part
    renamed: dict[str, str | None] = {}
    for name, _shape, _init in read_recording(method).tensors:
        for theirs, other in parts.items():
            if name.startswith(f"backbone.net.{theirs}"):
                renamed[name] = f"backbone.{other}{name.removeprefix(f'backbone.net.{theirs}')}"
    split, split_config = read_shape(method, renamed)
    assert split.tensors.keys() == expected.tensors.keys()
    assert (split.unknown, split_config) == ((), config)


def test_netvlad_may_be_trained_on_several_gpus() -> None:
    method = "netvlad_nanne"
    expected, _ = read_shape(method)
    names = [name for name, _shape, _init in read_recording(method).tensors]
    renamed: dict[str, str | None] = {
        name: f"encoder.module.{name.removeprefix('encoder.')}" for name in names if name.startswith("encoder.")
    }
    several, _ = read_shape(method, renamed)
    assert several.tensors.keys() == expected.tensors.keys()


def test_the_layout_of_gem_before_a_normalisation_is_told_by_its_names() -> None:
    weights, read = read_shape("gem_resnet50conv4_dvglb", {"aggregation.1.p": "aggregation.0.p"})
    assert (weights.family, read["normalised"]) == ("gem", "after")


def test_r2former_may_lack_its_network_for_pairs_and_what_that_does_not_use() -> None:
    method = "r2former_256"
    whole, _ = read_shape(method)
    names = [name for name, _shape, _init in read_recording(method).tensors]
    unused, _ = read_shape(method, dict.fromkeys(("Reranker.decoder_pos_embed", "Reranker.ratio")))
    assert unused.tensors.keys() == whole.tensors.keys()
    renamed = {name: name.removeprefix("backbone.") if name.startswith("backbone.") else None for name in names}
    weights, read = read_shape(method, renamed)
    assert (weights.family, read["pairs"], weights.unknown) == ("r2former", "none", ())
    assert weights.tensors.keys() == {name for name in whole.tensors if not name.startswith(("local_head.", "pairs."))}
    renamed = dict.fromkeys(name for name in names if name.startswith("local_head."))
    with pytest.raises(LookupError, match=r"local_head\.weight"):  # half of it is refused
        read_shape(method, renamed)
