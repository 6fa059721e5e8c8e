"""An engine encodes the pictures of an addition and of an update, as of a build."""

import shutil
from collections.abc import Generator, Sequence
from pathlib import Path

from index_builder.changes.add import add_pictures
from index_builder.changes.update import update_map
from index_builder.segment_engine import EncodingOptions, LocalEngine, SegmentPart, SegmentTask
from index_builder.staging import Staging
from model.encoder import Encoder
from model.progress import Progress
from tests.conftest import write_photo
from tests.faults.map_state import MapState
from tests.index_builder.map_factory import SMALL, build_small, photo_listing


class Counted:
    """Encode in this process, and count the pictures.

    Args:
        encoder: The network.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._engine = LocalEngine(encoder)
        self.pictures = 0

    def encode(
        self, tasks: Sequence[SegmentTask], options: EncodingOptions, staging: Staging, progress: Progress
    ) -> Generator[SegmentPart, None, None]:
        self.pictures += sum(len(task.places) for task in tasks)
        return self._engine.encode(tasks, options, staging, progress)


def test_additions_and_updates_use_the_engine(tiny_encoder: Encoder, tmp_path: Path) -> None:
    town = build_small(tmp_path, tiny_encoder).map_path
    other = Path(shutil.copytree(town, tmp_path / "other" / "town"))
    engine = Counted(tiny_encoder)
    more = photo_listing(tmp_path / "more", 3)
    add_pictures(town, more, tiny_encoder, SMALL, prefix="more/")
    add_pictures(other, more, tiny_encoder, SMALL, prefix="more/", engine=engine)
    assert engine.pictures == 3
    assert MapState.of(other) == MapState.of(town)
    write_photo(tmp_path / "more" / "01.jpg", seed=98)
    for path, used in ((town, None), (other, engine)):
        update_map(path, more, tiny_encoder, SMALL, source=1, engine=used)
    assert engine.pictures == 4
    assert MapState.of(other) == MapState.of(town)
