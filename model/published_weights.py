"""The weights that others publish: their names here, and where they are."""

from dataclasses import dataclass

_DINOV2 = "https://dl.fbaipublicfiles.com/dinov2"


@dataclass(frozen=True)
class HandDownload:
    """A file that only a person with a browser can fetch.

    Attributes:
        page_url: Where it is offered.
        file_name: What it is called there.
    """

    page_url: str
    file_name: str


def _dinov2_addresses() -> dict[str, str]:
    addresses = {}
    for model in ("dinov2_vits14", "dinov2_vitb14", "dinov2_vitl14"):
        addresses[model] = f"{_DINOV2}/{model}/{model}_pretrain.pth"
        addresses[f"{model}_reg4"] = f"{_DINOV2}/{model}/{model}_reg4_pretrain.pth"
    return addresses


def _on_google_drive(file_id: str, file_name: str) -> HandDownload:
    return HandDownload(page_url=f"https://drive.google.com/file/d/{file_id}/view", file_name=file_name)


# DINOv2's backbones, without training for places. Their publisher states no checksums.
DOWNLOADS = _dinov2_addresses()

# SelaVPR's trained networks. Google Drive puts a page for people before large files.
HAND_DOWNLOADS = {
    "selavpr_msls": _on_google_drive("1vy05l0JTEgr6n8iSoz_P_yjWfEzFPAkV", "SelaVPR_msls.pth"),
    "selavpr_pitts30k": _on_google_drive("1LKTZZRHfMH3dY3UPagCt2TIlMN5LguGO", "SelaVPR_pitts30k.pth"),
    "selavpr_reg4_msls": _on_google_drive("16Qkr6MGe3k0kYtFfw3YLQXZFn4c9YvJk", "SelaVPR_reg4_msls.pth"),
}


def how_to_get(name: str) -> str | None:
    """What to do to have these weights in the cache; None if nobody publishes weights of that name."""
    if name in DOWNLOADS:
        return f"download it with: placefix weights fetch {name}"
    if name in HAND_DOWNLOADS:
        hand = HAND_DOWNLOADS[name]
        return (
            f"it is on Google Drive, which only a browser can download from: open {hand.page_url}, save "
            f"{hand.file_name}, then run: placefix weights import {hand.file_name}"
        )
    return None
