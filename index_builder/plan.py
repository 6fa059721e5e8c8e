"""The plan of a build or a change: only the same plan continues an interrupted run."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Self

from pydantic import ValidationError

from index_builder.build_options import BuildOptions
from index_builder.revision import Revision
from model.encoder import Encoder
from place_map.codebook_entry import CodebookEntry
from place_map.errors import MapCorrupt
from place_map.unfinished import FoundPlan
from place_map.version_writer import software_versions


@dataclass(frozen=True)
class Plan:
    """Hold all values that decide the bytes and numbers of the segments of a new version.

    Attributes:
        kind: The command.
        base: The line of ``CURRENT`` for the version that is changed; empty for a build.
        version: Number of the new version.
        first_segment: Number of the first new segment.
        request_sha256: The digest that identifies the request in the finished version. It may differ when an
            interrupted run continues: a picture may have changed since.
        pictures: The number of pictures to encode.
        listing_sha256: The digest over the segments of the new version; new segments count with the ids, paths,
            positions, headings and times of their pictures, in order.
        network: Fingerprint of the network.
        preprocessing: The value of ``--preprocess``.
        input: Height and width of the network's input, in pixels.
        precision: The precision of the products in the network.
        device: ``cpu`` or ``cuda``, which round differently. Empty where nothing is encoded.
        batch_size: Pictures in one forward pass.
        segment_size: Pictures of the source in one segment.
        thumbnails: Whether thumbnails are made.
        store: Type of the stored features.
        limits: The limits on pictures; pictures outside them are rejected.
        software: Versions of the libraries that compute. Empty where nothing is encoded.
        codebook: The codebook that was learned before the first segment, if the store needs one.
    """

    kind: str
    base: str
    version: str
    first_segment: int
    request_sha256: str
    pictures: int
    listing_sha256: str
    network: str
    preprocessing: str
    input: str
    precision: str
    device: str
    batch_size: int
    segment_size: int
    thumbnails: bool
    store: str
    limits: str
    software: str
    codebook: CodebookEntry | None

    @classmethod
    def of(
        cls,
        revision: Revision,
        encoder: Encoder | None,
        options: BuildOptions,
        *,
        base: str,
        version: str,
        first_segment: int,
    ) -> Self:
        """Return the plan for a revision, an encoder and the numbers of its version and of its first segment."""
        settings = revision.settings
        pictures = sum(len(segment.places) for segment in revision.new_segments)
        versions = {} if encoder is None else software_versions()
        return cls(
            kind=revision.kind,
            base=base,
            version=version,
            first_segment=first_segment,
            request_sha256=revision.request_sha256,
            pictures=pictures,
            listing_sha256=revision.listing_sha256(),
            network=settings.network.fingerprint,
            preprocessing=settings.preprocessing.value,
            input=f"{settings.network.input.height}x{settings.network.input.width}",
            precision=settings.network.precision,
            device="" if encoder is None else encoder.device.type,
            batch_size=options.batch_size,
            segment_size=options.segment_size_for(pictures),
            thumbnails=settings.thumbnails,
            store=settings.features.local_codec.store,
            limits=str(options.limits),
            software=", ".join(f"{name} {version}" for name, version in versions.items()),
            codebook=settings.features.local_codebook,
        )

    def to_json(self) -> bytes:
        """Return the bytes of the file."""
        codebook = None if self.codebook is None else self.codebook.model_dump()
        return json.dumps(asdict(replace(self, codebook=None)) | {"codebook": codebook}, indent=2).encode()

    def continuing(self, found: FoundPlan) -> Self:
        """Return the plan with the codebook of the interrupted run, if that has learned one.

        Raises:
            MapCorrupt: It is damaged.
        """
        if found.get("codebook") is None:
            return self
        try:
            return replace(self, codebook=CodebookEntry.model_validate(found["codebook"]))
        except ValidationError as error:
            raise MapCorrupt(
                f"the plan of the unfinished {self.kind} is damaged ({error.errors()[0]['msg']}): --restart begins anew"
            ) from error

    def differences(self, other: FoundPlan) -> list[str]:
        """Return the differences of another plan in words."""
        mine = asdict(self)
        names = sorted((mine.keys() | other.keys()) - {"request_sha256", "codebook"})
        return [
            f"{name} {other.get(name)} (now {mine.get(name)})" for name in names if other.get(name) != mine.get(name)
        ]
