"""What is being built: an interrupted build is continued only by the same plan."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self

from index_builder.sources.listing import SourceListing
from model.encoder import Encoder
from model.images import ImageLimits
from place_map.version_writer import software_versions


@dataclass(frozen=True)
class BuildPlan:
    """Everything that decides the bytes of a map's segments.

    Attributes:
        pictures: Number of pictures with positions.
        listing_sha256: Over their ids, paths, positions, headings and times, in order.
        network: Fingerprint.
        preprocessing: As ``--preprocess``.
        precision: Of the products in the network.
        device: ``cpu`` or ``cuda``: they do not round alike.
        batch_size: Pictures in one forward pass.
        segment_size: Pictures of the source in one segment.
        thumbnails: Whether thumbnails are made.
        store: Type of the stored features.
        limits: What a picture may be like; others are rejected.
        software: Versions of the libraries that compute.
    """

    pictures: int
    listing_sha256: str
    network: str
    preprocessing: str
    precision: str
    device: str
    batch_size: int
    segment_size: int
    thumbnails: bool
    store: str
    limits: str
    software: str

    @classmethod
    def of(
        cls,
        listing: SourceListing,
        encoder: Encoder,
        *,
        batch_size: int,
        segment_size: int,
        thumbnails: bool,
        store: str,
        limits: ImageLimits,
    ) -> Self:
        """The plan for a collection and a network."""
        return cls(
            pictures=len(listing.places),
            listing_sha256=digest_of(
                repr((place.id, str(place.path.absolute()), place.position, place.heading_deg, place.time))
                for place in listing.places
            ),
            network=encoder.fingerprint,
            preprocessing=encoder.preprocessing.value,
            precision=encoder.precision,
            device=encoder.device.type,
            batch_size=batch_size,
            segment_size=segment_size,
            thumbnails=thumbnails,
            store=store,
            limits=str(limits),
            software=", ".join(f"{name} {version}" for name, version in software_versions().items()),
        )

    def differences(self, other: dict[str, object]) -> list[str]:
        """In words, what another plan has otherwise."""
        mine = asdict(self)
        names = sorted(mine.keys() | other.keys())
        return [
            f"{name} {other.get(name)} (now {mine.get(name)})" for name in names if other.get(name) != mine.get(name)
        ]


def digest_of(lines: Iterable[str]) -> str:
    """SHA-256 over lines of text."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()
