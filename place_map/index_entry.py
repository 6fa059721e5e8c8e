"""The shortlist index in the manifest: its kind and its files."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from place_map import layout
from place_map.file_sum import FileSum
from place_map.manifest_part import ManifestPart, Number


class IndexCodes(ManifestPart):
    """Describe an index of codes: versions share a codebook, and the codes of the segments that they share.

    Attributes:
        number: The name of the directory of the codebook and its codes: the version that trained it.
        pictures: The number of pictures of that version.
        codebook: Size and sum of the codebook.
        segments: Id of a segment → size and sum of its codes.
    """

    number: Number
    pictures: PositiveInt
    codebook: FileSum
    segments: dict[Number, FileSum] = Field(min_length=1)

    def files(self, segments: Iterable[str]) -> dict[str, FileSum]:
        """Return path below the map → size and sum, for the codebook and the codes of some segments."""
        named = {layout.codes_name(self.number, segment): self.segments[segment] for segment in segments}
        return {layout.codebook_name(self.number): self.codebook} | named


class IndexEntry(ManifestPart):
    """Describe the shortlist index over the live rows, in the order of segments and rows.

    An index has codes for each segment, or one file, or neither: then it is made from the global features when it is
    opened.

    Attributes:
        factory: The string of faiss's ``index_factory``.
        requested: The requested index: the same string, or ``auto``, which chooses again when the map grows. None means
            the same string.
        metric: The metric of its distances.
        file: Size and sum of the one file; None if it has none.
        codes: The codebook and the codes; None if it has none, as in all maps from before format 7.
    """

    factory: str
    requested: str | None = None
    metric: Literal["l2"] = "l2"
    file: FileSum | None = None
    codes: IndexCodes | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.file is not None and self.codes is not None:
            raise ValueError("the index has a file and codes")
        return self

    def files(self, version: str) -> dict[str, FileSum]:
        """Return path below the map → size and sum, for the files of the index of a version."""
        if self.codes is not None:
            return self.codes.files(self.codes.segments)
        return {} if self.file is None else {str(PurePosixPath(layout.VERSIONS, version, layout.INDEX)): self.file}
