"""What all parts of a manifest have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[str, Field(pattern=r"^[0-9]{6,}$")]


class ManifestPart(BaseModel):
    """A part of the manifest: immutable, with no unknown keys and no guessed types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
