"""The published weights of the families of ``model.descriptors``."""

from model.publication import (
    FLOAT32_BYTES,
    RESEARCH_ONLY,
    Address,
    DriveFile,
    HandDownload,
    Hosts,
    PublishedWeights,
    Way,
)

_CLUSTERS, _VLAD_DIM = 64, 64 * 512
_BACKBONES = {  # parameters, and channels of the last map
    "resnet18": (11_176_512, 512),
    "resnet50": (23_508_032, 2048),
    "resnet101": (42_500_160, 2048),
    "resnet152": (58_143_808, 2048),
    "vgg16": (14_714_688, 512),
}
_TITLES = {"resnet18": "ResNet18", "resnet50": "ResNet50", "resnet101": "ResNet101", "resnet152": "ResNet152"} | {
    "vgg16": "VGG16"
}
_TO_512, _TO_2048 = (32, 64, 128, 256, 512), (32, 64, 128, 256, 512, 1024, 2048)
_COSPLACE = {
    "resnet50": _TO_2048,
    "resnet101": _TO_2048,
    "resnet152": _TO_2048,
    "resnet18": _TO_512,
    "vgg16": _TO_512[1:],
}
_EIGENPLACES = {"resnet50": _TO_2048[2:], "resnet101": _TO_2048[2:], "resnet18": (256, 512), "vgg16": (512,)}
_SHA256 = {
    "cosplace_resnet50_2048": "1083431a283b755fd9b49302711fe1d31b061a73d3b743c2971e895224ecd89a",
    "eigenplaces_resnet50_2048": "98e8e21e9364a7e0990a9d7e1de5853b6d830f7f73d6bd9ee4f397575e0d41d1",
}
_NO_LICENCE = "none stated"  # Placefix loads these files, and does not redistribute them


def list_descriptors(hosts: Hosts) -> list[PublishedWeights]:
    """List the published weights of these families, the most useful first."""
    return [
        *_of_dinov2(hosts),
        *_eigenplaces(hosts),
        *_cosplace(hosts),
        *_mixvpr(hosts),
        *_vlad(hosts),
        *_two_stage(hosts),
        *_patch_netvlad(hosts),
        *_keypoints(hosts),
    ]


def _entry(
    name: str,
    purpose: str,
    licence: str,
    publisher: str,
    ways: tuple[Way, ...],
    parameters: int,
    by_hand: HandDownload | None = None,
    *,
    reranks: bool = False,
) -> PublishedWeights:
    return PublishedWeights(
        name=name,
        purpose=f"photographs{'' if reranks else ', without re-ranking'}: {purpose}",
        licence=licence,
        publisher=publisher,
        size_bytes=FLOAT32_BYTES * parameters,
        ways=ways,
        by_hand=by_hand,
        parameters=parameters,
        sha256=_SHA256.get(name),
    )


def _address(url: str) -> tuple[Address]:
    return (Address(url, url),)


def _on_drive(hosts: Hosts, file_id: str, file_name: str) -> tuple[DriveFile, HandDownload]:
    by_hand = HandDownload(f"{hosts.google_drive}/file/d/{file_id}/view", file_name)
    return DriveFile(f"{hosts.google_drive}/uc?id={file_id}"), by_hand


def _of_dinov2(hosts: Hosts) -> list[PublishedWeights]:
    salad, megaloc, boq = 87_990_721, 228_639_553, 95_204_256
    drive, by_hand = _on_drive(hosts, "1B06ysb-Wjb4KDcNrl-7pyj1mJve1jqdk", "cliquemining.ckpt")
    viper = Address(
        f"{hosts.github}/markvilar/viper/releases/download/v0.0.1/cliquemining.ckpt",
        "the release v0.0.1 of markvilar/viper on GitHub",
    )
    return [
        _entry(
            "megaloc",
            "MegaLoc (ViT-B/14), trained on many cities",
            "MIT",
            "gberton/MegaLoc",
            _address(f"{hosts.hugging_face}/gberton/MegaLoc/resolve/main/model.safetensors"),
            megaloc,
        ),
        _entry(
            "boq_dinov2_12288",
            "BoQ (ViT-B/14)",
            "MIT",
            "amaralibey/Bag-of-Queries",
            _address(f"{hosts.github}/amaralibey/Bag-of-Queries/releases/download/v1.0/dinov2_12288.pth"),
            boq,
        ),
        _entry(
            "boq_resnet50_16384",
            "BoQ (ResNet50)",
            "MIT",
            "amaralibey/Bag-of-Queries",
            _address(f"{hosts.github}/amaralibey/Bag-of-Queries/releases/download/v1.0/resnet50_16384.pth"),
            23_844_448,
        ),
        _entry(
            "salad",
            "SALAD (ViT-B/14)",
            "GPL-3.0",
            "serizba/salad",
            _address(f"{hosts.github}/serizba/salad/releases/download/v1.0.0/dino_salad.ckpt"),
            salad,
        ),
        _entry(
            "cliquemining",
            "CliqueMining (ViT-B/14)",
            "GPL-3.0",
            "serizba/cliquemining (Drive); markvilar/viper (GitHub)",
            (viper, drive),
            salad,
            by_hand,
        ),
    ]


def _projected(hosts: Hosts, method: str, title: str, sizes: dict[str, tuple[int, ...]]) -> list[PublishedWeights]:
    entries = []
    for backbone, dims in sizes.items():
        parameters, channels = _BACKBONES[backbone]
        for dim in reversed(dims):
            file_name = f"{_TITLES[backbone]}_{dim}_{method}.pth"
            entries.append(
                _entry(
                    f"{method}_{backbone}_{dim}",
                    f"{title} ({_TITLES[backbone]}), {dim} numbers",
                    "MIT",
                    f"gmberton/{title}",
                    _address(f"{hosts.github}/gmberton/{title}/releases/download/v1.0/{file_name}"),
                    parameters + 1 + channels * dim + dim,
                )
            )
    return entries


def _eigenplaces(hosts: Hosts) -> list[PublishedWeights]:
    return _projected(hosts, "eigenplaces", "EigenPlaces", _EIGENPLACES)


def _cosplace(hosts: Hosts) -> list[PublishedWeights]:
    return _projected(hosts, "cosplace", "CosPlace", _COSPLACE)


def _mixvpr(hosts: Hosts) -> list[PublishedWeights]:
    entries = []
    for dim, parameters, file_id in (
        (4096, 10_880_900, "1vuz3PvnR7vxnDDLQrdHJaOA04SQrtk5L"),
        (512, 10_092_898, "1khiTUNzZhfV2UUupZoIsPIbsMRBYVDqj"),
        (128, 9_896_098, "1DQnefjk1hVICOEYPwE4-CZAZOvi1NSJz"),
    ):
        drive, by_hand = _on_drive(hosts, file_id, f"mixvpr_{dim}.ckpt")
        publisher = "amaralibey/MixVPR (Drive)"
        purpose = f"MixVPR (ResNet50), {dim} numbers"
        entries.append(_entry(f"mixvpr_{dim}", purpose, _NO_LICENCE, publisher, (drive,), parameters, by_hand))
    return entries


def _vlad(hosts: Hosts) -> list[PublishedWeights]:
    convolutions, channels = _BACKBONES["vgg16"]
    layer = 2 * _CLUSTERS * channels
    whitening = 4096 * _VLAD_DIM + 4096
    return [
        _entry(
            "netvlad",
            "NetVLAD (VGG16) of its authors, trained on Pittsburgh, 4096 numbers",
            _NO_LICENCE,
            "Arandjelović et al.; hloc",
            _address(f"{hosts.hloc}/netvlad/Pitts30K_struct.mat"),
            convolutions + layer + whitening,
        ),
        _entry(
            "netvlad_pytorch",
            "NetVLAD (VGG16) of pytorch-NetVlad, trained on Pittsburgh, 32768 numbers",
            _NO_LICENCE,
            "michaelschleiss/pytorch-NetVlad, a fork of Nanne/pytorch-NetVlad",
            _address(f"{hosts.github}/michaelschleiss/pytorch-NetVlad/releases/download/v1.0/vgg16_netvlad.pth.tar"),
            convolutions + layer,
        ),
        _entry(
            "sfrs",
            "SFRS (VGG16), trained on Pittsburgh, 4096 numbers",
            "MIT",
            "yxgeee/OpenIBL",
            _address(f"{hosts.github}/yxgeee/OpenIBL/releases/download/v0.1.0-beta/vgg16_netvlad.pth"),
            convolutions + layer + whitening,
        ),
    ]


def _two_stage(hosts: Hosts) -> list[PublishedWeights]:
    repository = "RuotongWANG/TransVPR-model-implementation"
    commit = "58cf3eeddd3634416f9e1256cc61e226abc5c6d0"
    entries = [
        _entry(
            f"transvpr_{name}",
            f"TransVPR, trained on {collection}",
            _NO_LICENCE,
            repository,
            _address(f"{hosts.github}/{repository}/raw/{commit}/{file_name}"),
            5_402_627,
            reranks=True,
        )
        for name, collection, file_name in (
            ("msls", "MSLS", "TransVPR_MSLS.pth"),
            ("pitts30k", "Pittsburgh", "TransVPR_Pitts30k.pth"),
        )
    ]
    drive, _ = _on_drive(hosts, "1RU4wnupKXpmM0FiPeglqeNizBw4w6j38", "")
    r2former = _entry(
        "r2former", "R2Former (DeiT-S)", "Apache-2.0", "bytedance/R2Former", (drive,), 22_401_506, reranks=True
    )
    return [*entries, r2former]


def _patch_netvlad(hosts: Hosts) -> list[PublishedWeights]:
    """Describe Patch-NetVLAD's networks, which re-rank by patches; 4096 numbers are the authors' choice for -p."""
    convolutions, channels = _BACKBONES["vgg16"]
    entries = []
    for file_name, collection, clusters in (("mapillary", "MSLS", 16), ("pitts", "Pittsburgh", 64)):
        for dim in (512, 4096, 128):
            whitening = dim * clusters * channels + dim
            url = f"{hosts.hugging_face}/TobiasRobotics/Patch-NetVLAD/resolve/main/{file_name}_WPCA{dim}.pth.tar"
            entries.append(
                _entry(
                    f"patchnetvlad_{dim}" if clusters == 16 else f"patchnetvlad_pitts_{dim}",
                    f"Patch-NetVLAD (VGG16), trained on {collection}, {dim} numbers",
                    "MIT",
                    "TobiasRobotics/Patch-NetVLAD",
                    _address(url),
                    convolutions + 2 * clusters * channels + whitening,
                    reranks=True,
                )
            )
    return entries


def _keypoints(hosts: Hosts) -> list[PublishedWeights]:
    """Describe the parts of a network with keypoints; no command fetches them unless somebody names them."""
    repository = "magicleap/SuperGluePretrainedNetwork"
    folder = f"{hosts.github}/{repository}/raw/ddcf11f42e7e0732a0c4607648f9448ea8d73590/models/weights"
    return [
        PublishedWeights(
            name=name,
            purpose=f"keypoints, for placefix weights import --finder: {purpose}",
            licence=RESEARCH_ONLY,
            publisher=repository,
            size_bytes=FLOAT32_BYTES * parameters,
            ways=_address(f"{folder}/{file_name}.pth"),
            parameters=parameters,
        )
        for name, file_name, purpose, parameters in (
            ("superpoint", "superpoint_v1", "SuperPoint", 1_300_865),
            ("superglue_outdoor", "superglue_outdoor", "SuperGlue, trained outdoors", 12_023_297),
            ("superglue_indoor", "superglue_indoor", "SuperGlue, trained indoors", 12_023_297),
        )
    ]
