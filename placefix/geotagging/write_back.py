"""The writing of estimates beside photos, into copies of them, or into the photos with a backup."""

import errno
import filecmp
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model.durable import written_whole
from placefix.answers.estimate import Estimate
from placefix.answers.photos import GivenPhoto
from placefix.geotagging.errors import CannotWrite
from placefix.geotagging.exif_writers import JpegWriter, exif_writer, is_written_here
from placefix.geotagging.present import has_exif_estimate
from placefix.geotagging.xmp_sidecar import has_estimate, remove_from_sidecar, sidecar_of, write_sidecar

Where = Literal["xmp", "exif"]

_OF_THE_WHOLE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})


def backup_of(photo: Path) -> Path:
    """Return the path of the backup of a photo, named as by exiftool."""
    return photo.with_name(f"{photo.name}_original")


@dataclass(frozen=True)
class WriteBack:
    """Write estimates.

    Attributes:
        where: The place of estimates: XMP beside a photo, or EXIF.
        copies: The folder of copies for EXIF; None to change the photos themselves.
    """

    where: Where
    copies: Path | None = None

    def target_of(self, photo: GivenPhoto) -> Path:
        """Return the file that is written for a photo."""
        path = photo.file
        if self.where == "xmp":
            return sidecar_of(path)
        return path.resolve() if self.copies is None else self.copies / photo.below

    def is_done(self, photo: GivenPhoto) -> bool:
        """Return whether an earlier run has made the copy of a photo.

        Raises:
            CannotWrite: Another file has its name.
        """
        target = self.target_of(photo)
        if self.copies is None or not target.exists():
            return False
        if not has_exif_estimate(target):
            raise CannotWrite(f"{target} is there already, and has no estimate")
        return True

    def check(self, photo: GivenPhoto) -> None:
        """Check, before a photo is asked about, that it can be written.

        Raises:
            CannotWrite: The photo cannot be written.
        """
        if self.where == "exif":
            exif_writer().check(photo.file)

    def write(self, photo: GivenPhoto, estimate: Estimate) -> Path:
        """Write an estimate; a file appears when it is whole.

        Returns:
            The file that was written.

        Raises:
            CannotWrite: The estimate cannot be written; nothing has changed.
        """
        path, target = photo.file, self.target_of(photo)
        with _told():
            if self.where == "xmp":
                return write_sidecar(path, estimate)
            with written_whole(target) as unfinished:
                shutil.copy2(path, unfinished)
                exif_writer().write(unfinished, estimate)
                if self.copies is None:
                    _keep(target)
                    shutil.copymode(path, unfinished)
                else:
                    shutil.copystat(path, unfinished)
            return target


def remove_estimates(photo: Path) -> bool:
    """Take estimates away from a photo and from the file beside it, and remove a backup that is then equal.

    Returns:
        Whether there were any.

    Raises:
        CannotWrite: An estimate cannot be taken away.
    """
    has_sidecar, has_exif = has_estimate(photo), has_exif_estimate(photo)
    with _told():
        if has_sidecar:
            remove_from_sidecar(photo)
        if has_exif:
            _remove_from_exif(photo.resolve())
    return has_sidecar or has_exif


def _remove_from_exif(photo: Path) -> None:
    with written_whole(photo) as unfinished:
        shutil.copy2(photo, unfinished)
        writer = JpegWriter() if is_written_here(unfinished) else exif_writer()
        writer.check(unfinished)
        writer.remove(unfinished)
    backup = backup_of(photo)
    if backup.exists() and filecmp.cmp(photo, backup, shallow=False):
        backup.unlink()


@contextmanager
def _told() -> Iterator[None]:
    """Turn an error of a file into an error of its photo; errors of a full or broken disk pass.

    Raises:
        CannotWrite: A file or a folder may not be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _OF_THE_WHOLE_DISK:
            raise
        where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        raise CannotWrite(f"{where}{error.strerror}") from error


def _keep(photo: Path) -> None:
    """Copy a photo to its backup; an existing backup is older, and stays."""
    backup = backup_of(photo)
    if not backup.exists():
        with written_whole(backup) as unfinished:
            shutil.copy2(photo, unfinished)
