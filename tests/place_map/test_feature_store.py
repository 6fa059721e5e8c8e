import ctypes
import mmap
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from place_map.errors import MapCorrupt
from place_map.feature_store import ArrayType, FeatureWriter, announce_rows, map_features
from tests.waiting import wait_until


@given(
    parts=st.lists(st.integers(0, 5), max_size=6),
    width=st.integers(1, 7),
    store=st.sampled_from(["float16", "float32", "int8", "uint8"]),
)
def test_what_is_written_in_parts_is_a_standard_npy_file(
    tmp_path_factory: pytest.TempPathFactory, parts: list[int], width: int, store: ArrayType
) -> None:
    path = tmp_path_factory.mktemp("store") / "features.npy"
    rows = np.random.default_rng(0).standard_normal((sum(parts), 3, width)).astype(store)
    with FeatureWriter(path, (3, width), store) as writer:
        start = 0
        for count in parts:
            writer.append(rows[start : start + count])
            start += count
        writer.finish()
    np.testing.assert_array_equal(np.load(path), rows)
    reference = path.with_name("reference.npy")
    np.save(reference, rows)
    assert path.read_bytes() == reference.read_bytes()
    if len(rows):
        np.testing.assert_array_equal(map_features(path, rows.shape, store), rows)


def test_a_mapped_file_cannot_be_written_through(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.ones((2, 3), np.float16))
    mapped = map_features(tmp_path / "f.npy", (2, 3), "float16")
    with pytest.raises(ValueError, match="read-only"):
        mapped[0, 0] = 5


def test_rows_of_another_shape_or_type_are_refused(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path / "f.npy", (3,), "float16") as writer:
        for rows in (np.ones((2, 4), np.float16), np.ones((2, 3), np.float32)):
            with pytest.raises(ValueError, match="expected float16"):
                writer.append(rows)


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "f.npy").touch()
    with pytest.raises(FileExistsError):
        FeatureWriter(tmp_path / "f.npy", (3,), "float16")


@pytest.mark.parametrize(
    "content",
    [
        np.ones((2, 4), np.float16),
        np.ones((2, 3), np.float32),
        np.ones((2, 3), ">f2"),
        np.asfortranarray(np.ones((2, 3), np.float16)),
        np.array([None, "pickled"]),
    ],
    ids=["shape", "type", "byte order", "column order", "objects"],
)
def test_another_array_than_the_manifest_says_is_refused(tmp_path: Path, content: np.ndarray) -> None:
    np.save(tmp_path / "f.npy", content)
    with pytest.raises(MapCorrupt, match=r"f\.npy"):
        map_features(tmp_path / "f.npy", (2, 3), "float16")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"hello", None], ids=["empty", "cut", "other", "missing"])
def test_a_file_that_is_no_array_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "f.npy").write_bytes(content)
    with pytest.raises(MapCorrupt, match="placefix verify"):
        map_features(tmp_path / "f.npy", (2, 3), "float16")


@given(st.integers(0, 128 * 8 - 1))
def test_a_flipped_bit_in_the_header_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, position: int
) -> None:
    path = tmp_path_factory.mktemp("store") / "f.npy"
    np.save(path, np.ones((2, 3), np.float16))
    content = bytearray(path.read_bytes())
    content[position // 8] ^= 1 << position % 8
    path.write_bytes(content)
    try:
        mapped = map_features(path, (2, 3), "float16")
    except MapCorrupt:
        return
    np.testing.assert_array_equal(mapped, np.ones((2, 3), np.float16))


def test_a_truncated_file_is_refused_and_not_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.ones((2000, 3), np.float16))
    content = (tmp_path / "f.npy").read_bytes()
    (tmp_path / "f.npy").write_bytes(content[:-4096])
    with pytest.raises(MapCorrupt):
        map_features(tmp_path / "f.npy", (2000, 3), "float16")


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system cannot be asked to forget a file")
def test_announced_rows_are_fetched_before_they_are_read(tmp_path: Path) -> None:
    """Announce the first row, the last one, and two neighbours, in any order; their file was not in memory."""
    path, shape = tmp_path / "features.npy", (4096, 512)
    np.save(path, np.arange(4096 * 512, dtype=np.float32).reshape(shape))
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    mapped, rows = map_features(path, shape, "float32"), np.array([4095, 0, 2049, 2048])
    announce_rows(mapped, rows)
    wait_until(lambda: all(is_in_memory(mapped[row]) for row in rows))
    assert np.array_equal(mapped[rows], np.load(path)[rows])


def test_rows_in_memory_need_no_announcement() -> None:
    announce_rows(np.zeros((3, 4), np.float32), np.array([2]))


def is_in_memory(row: np.ndarray) -> bool:
    """Ask the system whether all pages of a row are in memory."""
    start, end = row.ctypes.data, row.ctypes.data + row.nbytes
    start -= start % mmap.PAGESIZE
    pages = (ctypes.c_ubyte * -(-(end - start) // mmap.PAGESIZE))()
    found = ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(start), ctypes.c_size_t(end - start), pages)
    assert found == 0, os.strerror(ctypes.get_errno())
    return all(page & 1 for page in pages)
