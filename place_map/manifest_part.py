"""The base class of all parts of a manifest."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[str, Field(pattern=r"^[0-9]{6,}$")]


class ManifestPart(BaseModel):
    """Define a part of the manifest: immutable, without unknown keys and guessed types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
