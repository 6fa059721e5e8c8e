"""All changes of a map, for programs: the work of the commands without a shell."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.change_report import ChangeReport
from index_builder.changes.add import add_pictures
from index_builder.changes.calibrate import calibrate_map
from index_builder.changes.compact import compact_map
from index_builder.changes.prune import Pruned, abandon_change, prune_versions
from index_builder.changes.remove import Selection, remove_pictures
from index_builder.changes.update import DEFAULT_MAX_REMOVED, update_map
from index_builder.new_version import Calibrate
from index_builder.sources.listing import SourceListing
from index_builder.sources.read import read_source
from index_builder.sources.read_options import ReadOptions
from index_builder.verify import DEFAULT_SAMPLE, VerifyReport, verify_map
from model.encoder import Encoder
from model.errors import InvalidInput
from model.progress import SILENT, Progress
from place_map.activation import Move, activate_version, roll_back
from place_map.versions import Version, list_versions


class MapBuilder:
    """Build one map, and change it.

    Every method publishes a whole version or leaves the map as it was. It may be killed at any moment, and continues
    when it is called again. It raises the errors that the function behind it names. Only one process at a time can
    change a map; readers (``PlaceMap.open``) are never disturbed.

    ::

        builder = MapBuilder("maps/town", Encoder(load_network("weights.safetensors")))
        builder.build("photos")
        builder.add("more photos", prefix="2027/")
        builder.remove(Selection(area=Area.box(13.1, 55.6, 13.2, 55.7)))
        builder.roll_back()

    Attributes:
        path: Directory of the map, ``maps/NAME``.
        options: Batch and segment size, the share of pictures that may be rejected; and for ``build`` index and store.
    """

    def __init__(
        self,
        path: Path | str,
        encoder: Encoder | None = None,
        options: BuildOptions | None = None,
        progress: Progress = SILENT,
        reading: ReadOptions | None = None,
    ) -> None:
        """Keep the arguments; nothing is read yet.

        Args:
            path: Directory of the map.
            encoder: The network for ``build``, ``add`` and ``update``; only the calling thread uses it.
            options: The options of builds and changes.
            progress: The display of the steps.
            reading: The options for reading collections that are given by their paths.
        """
        self.path = Path(path)
        self.options = options or BuildOptions()
        self._encoder = encoder
        self._progress = progress
        self._reading = reading

    def build(
        self, *sources: SourceListing | Path | str, restart: bool = False, calibrate: Calibrate | None = None
    ) -> ChangeReport:
        """Call ``index_builder.build.build_map``."""
        listings = [self._listing(source) for source in sources]
        network = self._network()
        return build_map(
            listings, network, self.path, self.options, self._progress, restart=restart, calibrate=calibrate
        )

    def add(
        self,
        source: SourceListing | Path | str,
        *,
        prefix: str = "",
        skip_existing: bool = False,
        restart: bool = False,
    ) -> ChangeReport:
        """Call ``index_builder.changes.add.add_pictures``."""
        return add_pictures(
            self.path,
            self._listing(source),
            self._network(),
            self.options,
            self._progress,
            prefix=prefix,
            skip_existing=skip_existing,
            restart=restart,
        )

    def update(
        self,
        source: SourceListing | Path | str,
        *,
        source_number: int | None = None,
        max_removed: float = DEFAULT_MAX_REMOVED,
        restart: bool = False,
    ) -> ChangeReport:
        """Call ``index_builder.changes.update.update_map``."""
        return update_map(
            self.path,
            self._listing(source),
            self._network(),
            self.options,
            self._progress,
            source=source_number,
            max_removed=max_removed,
            restart=restart,
        )

    def remove(self, selection: Selection) -> ChangeReport:
        """Call ``index_builder.changes.remove.remove_pictures``."""
        return remove_pictures(self.path, selection, self._progress)

    def calibrate(self, calibrate: Calibrate, *, questions: Iterable[object] = ()) -> ChangeReport:
        """Call ``index_builder.changes.calibrate.calibrate_map``."""
        return calibrate_map(self.path, calibrate, self._progress, questions=questions)

    def compact(self, *, restart: bool = False) -> ChangeReport:
        """Call ``index_builder.changes.compact.compact_map``."""
        return compact_map(self.path, self.options, self._progress, restart=restart)

    def versions(self) -> list[Version]:
        """Call ``place_map.versions.list_versions``."""
        return list_versions(self.path)

    def activate(self, version: str) -> Move:
        """Call ``place_map.activation.activate_version``."""
        return activate_version(self.path, version)

    def roll_back(self) -> Move:
        """Call ``place_map.activation.roll_back``."""
        return roll_back(self.path)

    def prune(self, *, keep: int | None = None, versions: Sequence[str] = ()) -> Pruned:
        """Call ``index_builder.changes.prune.prune_versions``."""
        return prune_versions(self.path, keep=keep, versions=versions)

    def abandon(self) -> bool:
        """Call ``index_builder.changes.prune.abandon_change``."""
        return abandon_change(self.path)

    def verify(self, *, sample: int = DEFAULT_SAMPLE) -> VerifyReport:
        """Call ``index_builder.verify.verify_map``; with an encoder, the sample's pictures are encoded again."""
        return verify_map(
            self.path,
            encoder=self._encoder,
            sample=sample,
            progress=self._progress,
            limits=self.options.limits,
        )

    def _listing(self, source: SourceListing | Path | str) -> SourceListing:
        return source if isinstance(source, SourceListing) else read_source(Path(source), self._reading)

    def _network(self) -> Encoder:
        if self._encoder is None:
            raise InvalidInput("pictures have to be encoded: give MapBuilder an encoder")
        return self._encoder
