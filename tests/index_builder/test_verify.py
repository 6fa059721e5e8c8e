import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from index_builder.changes.add import add_pictures
from index_builder.verify import verify_map
from model.codes import as_features
from model.encoder import Encoder
from model.errors import InvalidInput
from model.geo import LatLon
from model.selavpr.initialisation import seeded_network
from place_map.checks.problem import ProblemKind
from place_map.current import Current
from place_map.errors import MapNotFound, MapVersionUnsupported, NetworkMismatch
from place_map.file_sum import FileSum
from place_map.local_codec import StoreType
from place_map.manifest import FORMAT_VERSION
from place_map.place_file import PlaceRecord
from place_map.reader import PlaceMap
from place_map.versions import read_manifest
from tests.conftest import TINY_CONFIG, write_photo
from tests.examples import drawn
from tests.index_builder.map_factory import (
    SMALL,
    build_small,
    photo_listing,
    unit_rows,
    with_index_file,
    write_features_map,
)

MANIFEST = "versions/000001/manifest.json"
POINTER = "versions/000001/manifest.json.sha256"
UNTRAINED = "the network is untrained: re-ranking with this map means nothing"


@dataclass(frozen=True)
class GoodMap:
    folder: Path
    path: Path
    files: tuple[str, ...]


@pytest.fixture(scope="module")
def good_map(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder) -> GoodMap:
    folder = tmp_path_factory.mktemp("good")
    path = build_small(folder, tiny_encoder, count=6).map_path
    files = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    return GoodMap(folder, path, tuple(files))


def named(path: Path) -> dict[str, ProblemKind]:
    return {problem.path: problem.kind for problem in verify_map(path, sample=0).problems}


def test_a_good_map_is_good(good_map: GoodMap, tiny_encoder: Encoder) -> None:
    report = verify_map(good_map.path, encoder=tiny_encoder)
    assert report.is_good, report.problems
    assert (report.version, report.pictures, report.sampled, report.reencoded) == ("000001", 6, 6, 6)
    assert report.files == len(good_map.files) == 2 * 4 + 4
    assert report.notes == (UNTRAINED,)


@pytest.mark.parametrize("name", ["CURRENT", MANIFEST, POINTER, "segments/000001/places.parquet"])
def test_a_file_that_is_elsewhere_is_named(good_map: GoodMap, tmp_path: Path, name: str) -> None:
    """It could be changed there, and would be missing in a copy of the map."""
    path = tmp_path / "town"
    shutil.copytree(good_map.path, path)
    shutil.move(path / name, tmp_path / "elsewhere")
    (path / name).symlink_to(tmp_path / "elsewhere")
    assert named(path) == {name: ProblemKind.MISSING}


def test_a_sample_is_taken_from_all_over_the_map(good_map: GoodMap) -> None:
    assert verify_map(good_map.path, sample=3).sampled == 3
    with pytest.raises(InvalidInput):
        verify_map(good_map.path, sample=-1)


@drawn(few=40, many=1500)
@given(st.data())
def test_any_flipped_bit_is_found_and_its_file_named(good_map: GoodMap, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(good_map.files))
    path = good_map.path / name
    original = path.read_bytes()
    if not original:
        return
    position = data.draw(st.integers(0, len(original) * 8 - 1))
    damaged = bytearray(original)
    damaged[position // 8] ^= 1 << position % 8
    path.write_bytes(damaged)
    try:
        problems = named(good_map.path)
    finally:
        path.write_bytes(original)
    assert set(problems) == {name}


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), ProblemKind.SIZE),
        (lambda path: path.write_bytes(b""), ProblemKind.SIZE),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), ProblemKind.SIZE),
        (lambda path: path.unlink(), ProblemKind.MISSING),
        (lambda path: (path.rename(path.with_suffix(".x")), path.mkdir()), ProblemKind.MISSING),
    ],
    ids=["one byte less", "empty", "one byte more", "gone", "a directory instead"],
)
def test_any_cut_extended_or_missing_file_is_found_and_named(
    good_map: GoodMap, tmp_path: Path, damage: Callable[[Path], object], kind: ProblemKind
) -> None:
    for name in good_map.files:
        copy = tmp_path / "copy"
        shutil.copytree(good_map.path, copy)
        damage(copy / name)
        problems = named(copy)
        assert name in problems, (name, problems)
        if name not in ("CURRENT", MANIFEST, POINTER):
            assert problems[name] == kind
        shutil.rmtree(copy)


def test_exchanged_files_are_found_and_named(good_map: GoodMap, tmp_path: Path) -> None:
    pairs = [
        ("segments/000001/thumbnails.mjpeg", "segments/000002/thumbnails.mjpeg"),
        ("segments/000001/locals.npy", "segments/000002/locals.npy"),
        ("segments/000001/places.parquet", "segments/000002/places.parquet"),
    ]
    for one, other in pairs:
        copy = tmp_path / "copy"
        shutil.copytree(good_map.path, copy)
        (copy / one).rename(copy / "aside")
        (copy / other).rename(copy / one)
        (copy / "aside").rename(copy / other)
        assert {one, other} <= set(named(copy))
        shutil.rmtree(copy)


def test_whatever_belongs_to_no_version_is_found(good_map: GoodMap, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(good_map.path, copy)
    (copy / "notes.txt").write_text("hello")
    (copy / "segments" / "000003").mkdir()
    (copy / "segments" / "000003" / "locals.npy").write_bytes(b"")
    (copy / "segments" / "000001" / "thumbnails").mkdir()
    (copy / "versions" / "link").symlink_to("000001")
    assert named(copy) == dict.fromkeys(
        ("notes.txt", "segments/000003", "segments/000001/thumbnails", "versions/link"), ProblemKind.STRAY
    )


def test_an_activation_that_was_killed_is_a_note(good_map: GoodMap, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(good_map.path, copy)
    (copy / "CURRENT.pending").write_bytes(b"half")
    report = verify_map(copy)
    assert report.problems == ()
    assert any(note.startswith("CURRENT.pending: ") for note in report.notes)


def test_a_link_is_not_taken_for_the_file(good_map: GoodMap, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(good_map.path, copy)
    left_out = copy / "versions/000001/left_out.csv"
    left_out.rename(tmp_path / "elsewhere")
    left_out.symlink_to(tmp_path / "elsewhere")
    assert named(copy) == {"versions/000001/left_out.csv": ProblemKind.MISSING}


def test_no_map_at_all(tmp_path: Path) -> None:
    with pytest.raises(MapNotFound):
        verify_map(tmp_path / "nothing")
    assert named(tmp_path) == {"CURRENT": ProblemKind.MISSING}


def rewrite_manifest(path: Path, old: bytes, new: bytes) -> None:
    """Change a manifest, with the right sum in CURRENT: as a writer with a fault would."""
    manifest = path / MANIFEST
    content = manifest.read_bytes()
    assert old in content
    content = content.replace(old, new)
    manifest.write_bytes(content)
    for name in ("CURRENT", POINTER):
        (path / name).write_bytes(Current("000001", sha256(content).hexdigest()).to_bytes())


def test_a_map_of_a_newer_format_is_told_as_such(good_map: GoodMap, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(good_map.path, copy)
    key, newer = b'"format_version": %d', FORMAT_VERSION + 1
    rewrite_manifest(copy, key % FORMAT_VERSION, key % newer + b', "something_new": 3')
    with pytest.raises(MapVersionUnsupported, match=f"format {newer}"):
        verify_map(copy)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"placed": 6', b'"placed": 7'),
        (b'"global_dim": 64', b'"global_dim": 32'),
        (b'"factory"', b'"maker"'),
        (b'"version": "000001"', b'"version": "000002"'),
        (b'"skipped": 0', b'"skipped": -1'),
        (b'"rejected": 0', b'"rejected": 2'),
        (b'"count": 4', b'"count": 3'),
    ],
)
def test_a_manifest_that_does_not_fit_its_files_is_found(
    good_map: GoodMap, tmp_path: Path, old: bytes, new: bytes
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(good_map.path, copy)
    rewrite_manifest(copy, old, new)
    assert ProblemKind.STRUCTURE in named(copy).values()


def globals_of(count: int) -> np.ndarray:
    return unit_rows(np.random.default_rng(0).standard_normal((count, 16)))


def test_features_that_no_network_makes_are_found(tmp_path: Path) -> None:
    with_nan, too_long = globals_of(6), globals_of(6)
    with_nan[4, 3] = np.nan
    too_long[5] *= 2
    local_features = unit_rows(np.ones((6, 4, 2)))
    local_features[1, 2] = 0
    cases = [
        ("nan", with_nan, None, "segments/000002/globals.npy", "row 1 "),
        ("long", too_long, None, "segments/000002/globals.npy", "row 2 "),
        ("zero", globals_of(6), local_features, "segments/000001/locals.npy", "row 1 "),
    ]
    for name, global_features, local, file, says in cases:
        path = write_features_map(tmp_path / name, global_features, local, segment_rows=3)
        problems = verify_map(path).problems
        assert (problems[0].path, problems[0].kind) == (file, ProblemKind.FEATURES)
        assert says in problems[0].message


def test_an_index_of_other_vectors_is_found(tmp_path: Path) -> None:
    path = write_features_map(tmp_path / "map", globals_of(6))
    with_index_file(path, globals_of(6)[::-1].copy())
    problems = verify_map(path).problems
    assert [(problem.path, problem.kind) for problem in problems] == [
        ("versions/000001/index.faiss", ProblemKind.STRUCTURE)
    ]
    assert "p0" in problems[0].message


@pytest.mark.parametrize("index", ["IVF4,Flat", "SQ8", "PQ16x4fs", "RR16,RaBitQfs"])
def test_a_map_with_an_approximate_index_is_good(tmp_path: Path, index: str) -> None:
    path = write_features_map(tmp_path / "map", globals_of(200), index=index)
    assert verify_map(path).is_good


@pytest.mark.parametrize(
    ("store", "row", "what"),
    [("int8", -128, "codes beyond 127"), ("int4", 0x80, "codes beyond 7"), ("int8", 0, "zeros")],
)
def test_codes_that_no_builder_writes_are_found(tmp_path: Path, store: StoreType, row: int, what: str) -> None:
    path = write_features_map(tmp_path / "map", globals_of(3), local_store=store)
    file = path / "segments/000001/locals.npy"
    codes = np.load(file)
    codes[1] = row
    np.save(file, codes)
    manifest = read_manifest(path)
    changed = manifest.segments[0].files | {"locals.npy": FileSum.of(file)}
    manifest = manifest.model_copy(update={"segments": (manifest.segments[0].model_copy(update={"files": changed}),)})
    (path / MANIFEST).write_bytes(manifest.to_json())
    for name in ("CURRENT", POINTER):
        (path / name).write_bytes(Current.to_manifest(manifest).to_bytes())
    [problem] = verify_map(path).problems
    assert (problem.path, problem.kind) == ("segments/000001/locals.npy", ProblemKind.FEATURES)
    assert "row 1" in problem.message
    assert what in problem.message


def test_pictures_that_are_the_same_find_each_other_first(tmp_path: Path) -> None:
    path = write_features_map(tmp_path / "map", np.repeat(globals_of(3), 5, axis=0))
    assert verify_map(path).is_good


def test_a_picture_that_lies_nowhere_is_found(tmp_path: Path) -> None:
    position = LatLon(1, 2)
    object.__setattr__(position, "latitude", 91.0)
    record = PlaceRecord("p", position, None, None, "p.jpg", "0" * 64)
    path = write_features_map(tmp_path / "map", globals_of(1), records=[record])
    assert "segments/000001/places.parquet" in named(path)


def test_source_pictures_that_have_gone_or_changed_are_a_note(tmp_path: Path, tiny_encoder: Encoder) -> None:
    path = build_small(tmp_path, tiny_encoder, count=4).map_path
    write_photo(tmp_path / "photos" / "01.jpg", seed=77)
    (tmp_path / "photos" / "02.jpg").unlink()
    report = verify_map(path, encoder=tiny_encoder)
    assert report.is_good
    assert report.reencoded == 2
    assert any("2 of 4 source pictures" in note for note in report.notes)


def test_every_picture_is_looked_for_in_its_own_source(tmp_path: Path, tiny_encoder: Encoder) -> None:
    """Also where the second source calls its pictures like the first one."""
    path = build_small(tmp_path, tiny_encoder, count=4).map_path
    add_pictures(path, photo_listing(tmp_path / "more", 3), tiny_encoder, SMALL, prefix="more/")
    report = verify_map(path, encoder=tiny_encoder)
    assert (report.problems, report.notes, report.reencoded) == ((), (UNTRAINED,), 7)
    (tmp_path / "more" / "02.jpg").unlink()
    report = verify_map(path, encoder=tiny_encoder)
    assert report.reencoded == 6
    assert (
        f"1 of 7 source pictures are not where they were any more ({tmp_path / 'photos'}, {tmp_path / 'more'})"
        in (report.notes[0])
    )


def test_a_map_of_other_features_than_its_pictures_give_is_found(tmp_path: Path, tiny_encoder: Encoder) -> None:
    """Rows that were mixed up in building: every sum is right, and every picture has the features of another."""
    good = build_small(tmp_path, tiny_encoder, count=4).map_path
    with PlaceMap.open(good) as place_map:
        turned = np.array([1, 2, 3, 0])
        mixed = write_features_map(
            tmp_path / "mixed",
            place_map.global_features(turned).astype(np.float16),
            as_features(place_map.local_features(turned), torch.float16).numpy(),
            records=[replace(place_map.places[row], thumbnail=None) for row in range(4)],
        )
    content = (mixed / MANIFEST).read_bytes()
    content = content.replace(b"/nowhere.csv", str(tmp_path / "photos").encode())
    content = content.replace(b"0" * 64, tiny_encoder.fingerprint.encode(), 1)
    (mixed / MANIFEST).write_bytes(content)
    for name in ("CURRENT", POINTER):
        (mixed / name).write_bytes(Current("000001", sha256(content).hexdigest()).to_bytes())

    report = verify_map(mixed, encoder=tiny_encoder)
    assert {problem.kind for problem in report.problems} == {ProblemKind.SEARCH}
    assert len(report.problems) == 8  # each picture, by its global and by its local features


def test_another_network_is_refused(good_map: GoodMap) -> None:
    with pytest.raises(NetworkMismatch):
        verify_map(good_map.path, encoder=Encoder(seeded_network(TINY_CONFIG, seed=8)))
