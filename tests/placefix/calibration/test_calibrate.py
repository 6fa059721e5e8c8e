"""A map learns how sure its answers are, and keeps it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.changes.add import add_pictures
from index_builder.changes.calibrate import calibrate_map
from index_builder.sources.listing import SourceListing
from index_builder.verify import verify_map
from model.encoder import Encoder
from model.errors import InvalidInput
from model.images import open_image
from model.preprocess import preprocess
from model.progress import SILENT
from place_map import layout
from place_map.builder_lock import staging_path
from place_map.calibration_advice import calibration_advice
from place_map.errors import MapCorrupt
from place_map.global_index import open_searcher
from place_map.reader import PlaceMap
from place_map.versions import read_manifest
from placefix.calibration.calibrate import CalibrationOptions, Calibrator, calibrate, describe_outcome
from placefix.calibration.questions import DEFAULT_QUESTIONS, SUFFICIENT_PHOTOS
from service.encoded_query import encode_queries
from service.localizer import Localizer
from service.query_options import QueryOptions
from tests import calibrations
from tests.commands import RunCommand
from tests.conftest import write_photo
from tests.placefix.calibration.conftest import PLACES

OPTIONS = CalibrationOptions()


@pytest.fixture(scope="module")
def calibrated(built: Path, trained_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calibrated") / "twice"
    shutil.copytree(built, path)
    calibrate_map(path, Calibrator(trained_encoder, OPTIONS))
    return path


@dataclass
class Stopped:
    """Hold progress that is interrupted after some steps."""

    after: int
    seen: int = field(default=0)

    def started(self, total: int, finished: int) -> None: ...

    def advanced(self, count: int) -> None:
        self.seen += count
        if self.seen == self.after:
            raise KeyboardInterrupt

    def message(self, text: str) -> None: ...


def test_known_places_are_found_and_others_are_not(calibrated: Path, trained_encoder: Encoder, tmp_path: Path) -> None:
    with PlaceMap.open(calibrated) as place_map:
        localizer = Localizer(trained_encoder, place_map, open_searcher(place_map, torch.device("cpu")))
        statuses = []
        for seed in (3, 1000):  # a third look at the fourth place, and a place that the map does not have
            photo = open_image(write_photo(tmp_path / f"{seed}.jpg", seed=seed, size=(170, 118)))
            [query] = encode_queries(trained_encoder, preprocess(photo)[None])
            found = localizer.localize(query, QueryOptions(5, 20, "always"))
            statuses.append(found.status)
            if seed == 3:
                assert found.candidates[0].id.startswith("003-")
                assert found.verdict.confidence is not None
                assert found.verdict.confidence > 0.9
    assert statuses[0] == "localized"
    assert statuses[1] in ("uncertain", "not_found")


def test_the_new_version_shares_everything_but_the_calibration(built: Path, calibrated: Path) -> None:
    before, after = read_manifest(built), read_manifest(calibrated)
    assert (after.version, after.parent, after.change.kind) == ("000002", "000001", "calibrate")
    assert after.segments == before.segments
    assert after.index == before.index
    assert after.calibration is not None
    assert verify_map(calibrated).is_good
    with PlaceMap.open(calibrated) as place_map:
        made = place_map.calibration
        assert made is not None
        assert made.map_version == "000002"
        assert (made.questions.of_map, made.questions.impossible) == (2 * PLACES, PLACES)
        assert calibration_advice(made, after, 0.05) is None
    assert not staging_path(calibrated).exists()


def test_added_pictures_keep_the_calibration_and_say_that_it_is_older(
    calibrated: Path, trained_encoder: Encoder, tmp_path: Path, collection: SourceListing
) -> None:
    path = tmp_path / "twice"
    shutil.copytree(calibrated, path)
    more = SourceListing(collection.places[:2], (), "exif folder", collection.root)
    add_pictures(path, more, trained_encoder, BuildOptions(), prefix="again/")
    manifest = read_manifest(path)
    assert (manifest.version, manifest.calibration) == ("000003", read_manifest(calibrated).calibration)
    with PlaceMap.open(path) as place_map:
        advice = calibration_advice(place_map.calibration, manifest, 0.05)
    assert advice is not None
    assert advice.startswith("version 000002 was calibrated, and the map has changed since")


def test_a_calibration_of_another_release_is_made_again(
    calibrated: Path, trained_encoder: Encoder, tmp_path: Path
) -> None:
    path = tmp_path / "twice"
    shutil.copytree(calibrated, path)
    assert not calibrate_map(path, Calibrator(trained_encoder, OPTIONS)).is_new  # this request has been carried out
    calibrations.give(
        path, (layout.version_dir(path, "000002") / layout.CALIBRATION).read_bytes().replace(b"share", b"shape")
    )
    with PlaceMap.open(path) as place_map:
        assert place_map.calibration is None
    assert calibrate_map(path, Calibrator(trained_encoder, OPTIONS)).is_new
    with PlaceMap.open(path) as place_map:
        assert place_map.calibration is not None


def test_a_calibration_that_has_changed_on_the_disk_is_not_kept(
    calibrated: Path, trained_encoder: Encoder, tmp_path: Path, collection: SourceListing
) -> None:
    path = tmp_path / "twice"
    shutil.copytree(calibrated, path)
    file = layout.version_dir(path, "000002") / layout.CALIBRATION
    file.write_bytes(file.read_bytes().replace(b"25.0", b"35.0", 1))
    more = SourceListing(collection.places[:1], (), "exif folder", collection.root)
    with pytest.raises(MapCorrupt, match=r"calibration\.json"):
        add_pictures(path, more, trained_encoder, BuildOptions(), prefix="again/")


def test_an_interrupted_calibration_asks_only_what_was_not_answered(
    localizer: Localizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    plain: Callable[..., object] = localizer.localize

    def counted(*arguments: object, **named: object) -> object:
        asked.append(1)
        return plain(*arguments, **named)

    monkeypatch.setattr(localizer, "localize", counted)

    def run(scratch: Path, progress: Stopped | None = None) -> object:
        scratch.mkdir(exist_ok=True)
        outcome = calibrate(
            localizer, OPTIONS, map_version="000002", shortlist=10, scratch=scratch, progress=progress or SILENT
        )
        return outcome.calibration

    undisturbed = run(tmp_path / "one")
    everything = len(asked)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "two", Stopped(after=50))
    asked.clear()
    assert run(tmp_path / "two") == undisturbed
    assert (
        len(asked) == everything - 76
    )  # 50 pictures, every second of which was asked twice, and the first question of the next
    assert list((tmp_path / "two").iterdir()) == []


def test_a_build_calibrates_its_first_version(
    collection: SourceListing, trained_encoder: Encoder, tmp_path: Path
) -> None:
    path = tmp_path / "twice"
    calibrator = Calibrator(trained_encoder, OPTIONS)
    build_map(collection, trained_encoder, path, BuildOptions(thumbnails=False), calibrate=calibrator)
    manifest = read_manifest(path)
    assert manifest.version == "000001"
    with PlaceMap.open(path) as place_map:
        assert place_map.calibration is not None
        assert place_map.calibration.map_version == "000001"
    assert calibrator.outcome is not None
    assert "are called localized" in describe_outcome(calibrator.outcome)
    assert verify_map(path).is_good


def test_the_time_for_a_maps_own_pictures_can_be_limited(localizer: Localizer, tmp_path: Path) -> None:
    outcome = calibrate(
        localizer, OPTIONS, map_version="1", shortlist=5, scratch=tmp_path, progress=SILENT, at_most_s=0.0
    )
    assert outcome.questions == 1
    assert outcome.calibration is None
    assert outcome.why_not is not None
    assert outcome.why_not.startswith("1 questions have a right answer")


@pytest.mark.parametrize(("own", "within_m"), [(0, 25.0), (-1, 25.0), (10, 0.0), (10, float("nan"))])
def test_options_that_ask_nothing_or_mean_nothing_are_refused(own: int, within_m: float) -> None:
    with pytest.raises(InvalidInput):
        CalibrationOptions(own_pictures=own, within_m=within_m)


@pytest.mark.parametrize(
    ("own", "queries", "asked"),
    [
        (None, 0, DEFAULT_QUESTIONS),
        (None, SUFFICIENT_PHOTOS - 1, DEFAULT_QUESTIONS),
        (None, SUFFICIENT_PHOTOS, 0),
        (7, SUFFICIENT_PHOTOS, 7),
        (0, 1, 0),
    ],
)
def test_enough_labelled_photos_replace_the_maps_own_pictures(
    own: int | None, queries: int, asked: int, collection: SourceListing
) -> None:
    photos = list(collection.places[:1]) * queries
    assert CalibrationOptions(own_pictures=own, queries=photos).most_own_pictures == asked


def test_the_command_calibrates_with_labelled_photos(
    command: RunCommand, built: Path, collection: SourceListing, tmp_path: Path
) -> None:
    path, photos = tmp_path / "twice", tmp_path / "photos.csv"
    shutil.copytree(built, path)
    rows = [
        f"{place.path},{place.position.latitude},{place.position.longitude},{'night' if number % 2 else 'day'}"
        for number, place in enumerate(collection.places[:110])
    ]
    photos.write_text("\n".join(["path,latitude,longitude,condition", *rows]))
    done = command("calibrate", path, "--queries", photos, "--own", 0)
    assert done.returncode == 0, done.stderr
    assert "are called localized" in " ".join(done.stdout.split())
    with PlaceMap.open(path) as place_map:
        assert place_map.calibration is not None
        questions = place_map.calibration.questions
    assert (questions.of_map, questions.queries, questions.impossible) == (0, 110, 55)
    assert questions.conditions == {"day": 55, "night": 55}
    again = command("calibrate", path, "--queries", photos, "--own", 0)
    assert again.returncode == 0
    assert "there was nothing to do" in again.stdout


def test_the_command_says_what_is_missing(command: RunCommand, built: Path, tmp_path: Path) -> None:
    path = tmp_path / "twice"
    shutil.copytree(built, path)
    done = command("calibrate", path, "--own", 20)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"{path} was not calibrated, and is as it was: " in done.stderr
    assert "20 questions have a right answer, and a calibration takes 105: 85 more pictures" in done.stderr
    assert read_manifest(path).version == "000001"
    assert not staging_path(path).exists()
