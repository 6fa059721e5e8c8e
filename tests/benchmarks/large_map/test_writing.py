"""The writing of an invented map continues where it was interrupted, and gives the same files."""

from pathlib import Path

from benchmarks.large_map.writing import segment_sizes, write_segments
from place_map import layout


def test_finished_segments_are_kept_and_others_are_written_again(tmp_path: Path) -> None:
    done: list[int] = []
    first = write_segments(tmp_path, 300, 7, done.append)
    assert done == segment_sizes(300) == [256, 44, 1]
    kept, again = (layout.segment_dir(tmp_path / "map", segment.id) / layout.GLOBALS for segment in first[:2])
    written_ns = [file.stat().st_mtime_ns for file in (kept, again)]
    (tmp_path / "finished" / f"{first[1].id}.json").unlink()  # as if the run had been killed in the second segment
    again.write_bytes(b"half")
    assert write_segments(tmp_path, 300, 7, done.append) == first
    assert kept.stat().st_mtime_ns == written_ns[0]
    assert again.stat().st_mtime_ns != written_ns[1]
    assert again.stat().st_size == first[1].files[layout.GLOBALS].bytes
