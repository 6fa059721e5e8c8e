"""Downloads over a real connection that breaks, lies and changes its mind."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from model.downloads import RetryPolicy, discard, download
from model.errors import StorageError
from model.weights_errors import DownloadFailed
from tests.model.file_server import Answer, FileServer, serving
from tests.model.publishers import page
from tests.waiting import wait_until

CONTENT = bytes(range(256)) * 4096  # 1 MiB in which every position is distinguishable
HALF = len(CONTENT) // 2
PATIENT = RetryPolicy(attempts=3, first_pause_s=0.01)


@pytest.fixture
def files() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server


def leave_half(files: FileServer, part: Path) -> None:
    """Let a download fail in the middle."""
    files.drop_after = [HALF]
    with pytest.raises(DownloadFailed):
        download(files.url(), part, policy=replace(PATIENT, attempts=1))
    assert 0 < part.stat().st_size <= HALF
    files.ranges.clear()


def test_a_file_arrives_with_its_progress(files: FileServer, tmp_path: Path) -> None:
    progress: list[tuple[int, int | None]] = []
    part = tmp_path / "new folder" / "a.part"
    download(files.url(), part, on_progress=lambda received, total: progress.append((received, total)))
    assert part.read_bytes() == CONTENT
    assert progress[0] == (0, len(CONTENT))
    assert progress[-1] == (len(CONTENT), len(CONTENT))
    assert [received for received, _ in progress] == sorted(received for received, _ in progress)
    assert files.ranges == [None]


def test_a_server_that_does_not_say_how_long_the_file_is(files: FileServer, tmp_path: Path) -> None:
    files.sends_length = False
    totals = set()
    download(files.url(), tmp_path / "a.part", on_progress=lambda _, total: totals.add(total))
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert totals == {None}


@pytest.mark.parametrize("validator", ["etag", "date"])
def test_a_dropped_connection_is_continued(files: FileServer, tmp_path: Path, validator: str) -> None:
    files.validator = "etag" if validator == "etag" else "date"
    files.drop_after = [HALF, 1000]
    download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert files.ranges == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-"]


def test_more_drops_than_attempts_do_not_matter_while_something_new_arrives(files: FileServer, tmp_path: Path) -> None:
    files.drop_after = [len(CONTENT) // 20] * 15
    download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert len(files.ranges) == 16


@pytest.mark.parametrize("validator", ["weak etag", "none"])
def test_without_a_sure_sign_of_the_version_a_drop_begins_again(
    files: FileServer, tmp_path: Path, validator: str
) -> None:
    files.validator = "none" if validator == "none" else "weak etag"
    files.drop_after = [HALF]
    download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert files.ranges == [None, None]


def test_a_server_that_ignores_ranges_begins_again(files: FileServer, tmp_path: Path) -> None:
    files.honours_range = False
    files.drop_after = [HALF]
    download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert files.ranges == [None, f"bytes={HALF}-"]


def test_a_server_that_ignores_ranges_and_always_drops_is_given_up(files: FileServer, tmp_path: Path) -> None:
    files.honours_range = False
    files.drop_after = [HALF] * 100
    with pytest.raises(DownloadFailed, match="given up after 3 attempts"):
        download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert len(files.ranges) == 3


@pytest.mark.parametrize("honours_if_range", [True, False])
@pytest.mark.parametrize("length", [len(CONTENT), HALF // 2, 2 * len(CONTENT)])
def test_content_that_changed_between_two_calls_is_not_mixed(
    files: FileServer, tmp_path: Path, honours_if_range: bool, length: int
) -> None:
    leave_half(files, tmp_path / "a.part")
    files.honours_if_range = honours_if_range
    files.content = os.urandom(length)
    download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert (tmp_path / "a.part").read_bytes() == files.content


def test_a_later_call_continues(files: FileServer, tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    leave_half(files, part)
    there = part.stat().st_size
    progress: list[int] = []
    download(files.url(), part, on_progress=lambda received, _: progress.append(received))
    assert part.read_bytes() == CONTENT
    assert files.ranges == [f"bytes={there}-"]
    assert progress[0] == there


def test_a_killed_process_is_continued(files: FileServer, tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    files.waits_half_way = True
    program = "import sys, pathlib, model.downloads as d; d.download(sys.argv[1], pathlib.Path(sys.argv[2]))"
    with subprocess.Popen([sys.executable, "-c", program, files.url(), str(part)]) as process:
        wait_until(lambda: part.is_file() and part.stat().st_size)
        process.send_signal(signal.SIGKILL)
    there = part.stat().st_size
    assert 0 < there <= HALF
    files.pause.set()
    download(files.url(), part)
    assert part.read_bytes() == CONTENT
    assert files.ranges == [None, f"bytes={there}-"]


def test_a_part_of_another_address_is_not_continued(files: FileServer, tmp_path: Path) -> None:
    leave_half(files, tmp_path / "a.part")
    download(files.url("other.pth"), tmp_path / "a.part")
    assert files.ranges == [None]
    assert (tmp_path / "a.part").read_bytes() == CONTENT


@pytest.mark.parametrize("state", ["missing", "damaged"])
def test_a_part_of_unknown_origin_is_not_continued(files: FileServer, tmp_path: Path, state: str) -> None:
    part = tmp_path / "a.part"
    leave_half(files, part)
    if state == "missing":
        (tmp_path / "a.part.json").unlink()
    else:
        (tmp_path / "a.part.json").write_text('{"url": 3')
    download(files.url(), part)
    assert files.ranges == [None]
    assert part.read_bytes() == CONTENT


def test_a_whole_part_is_recognised_without_sending_it_again(files: FileServer, tmp_path: Path) -> None:
    download(files.url(), tmp_path / "a.part")
    files.ranges.clear()
    download(files.url(), tmp_path / "a.part")
    assert files.ranges == [f"bytes={len(CONTENT)}-"]
    assert (tmp_path / "a.part").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_begins_again(files: FileServer, tmp_path: Path) -> None:
    download(files.url(), tmp_path / "a.part")
    with (tmp_path / "a.part").open("ab") as part:
        part.write(b"surplus")
    download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert (tmp_path / "a.part").read_bytes() == CONTENT


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_error_of_the_moment_is_tried_again(files: FileServer, tmp_path: Path, status: int) -> None:
    files.statuses = [status, status]
    download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert (tmp_path / "a.part").read_bytes() == CONTENT


def test_an_error_that_stays_is_given_up_and_keeps_what_there_is(files: FileServer, tmp_path: Path) -> None:
    leave_half(files, tmp_path / "a.part")
    there = (tmp_path / "a.part").stat().st_size
    files.statuses = [503] * 10
    with pytest.raises(DownloadFailed, match=f"answered 503 .*{there} bytes are kept"):
        download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert len(files.ranges) == 3
    assert (tmp_path / "a.part").stat().st_size == there


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "the server wants a login"),
        (403, "refuses access"),
        (404, "there is nothing at this address"),
        (410, "has been removed"),
        (418, "answered"),
    ],
)
def test_a_refusal_is_not_tried_again(files: FileServer, tmp_path: Path, status: int, reason: str) -> None:
    files.statuses = [status]
    with pytest.raises(DownloadFailed, match=f"{reason}.*HTTP status {status}"):
        download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert len(files.ranges) == 1
    assert not (tmp_path / "a.part").exists()


def test_a_web_page_is_not_taken_for_a_file(files: FileServer, tmp_path: Path) -> None:
    files.content_type = "text/html; charset=utf-8"
    with pytest.raises(DownloadFailed, match="is a web page"):
        download(files.url(), tmp_path / "a.part")
    assert not (tmp_path / "a.part").exists()


def test_a_page_that_comes_in_place_of_the_rest_is_quoted_and_leaves_what_there_is(
    files: FileServer, tmp_path: Path
) -> None:
    leave_half(files, tmp_path / "a.part")
    there = (tmp_path / "a.part").stat().st_size
    files.route = lambda _path, _headers: page("Welcome to the hotel &amp; spa", "<p>log in</p>")
    with pytest.raises(DownloadFailed, match=r"is a web page, not a file; the page says: Welcome to the hotel & spa$"):
        download(files.url(), tmp_path / "a.part", policy=PATIENT)
    files.route = lambda _path, _headers: page("Not here", "", 404)
    with pytest.raises(DownloadFailed, match=r"HTTP status 404\); the page says: Not here$"):
        download(files.url(), tmp_path / "a.part", policy=PATIENT)
    assert (tmp_path / "a.part").stat().st_size == there


def test_a_part_is_continued_where_the_bytes_have_moved_to(files: FileServer, tmp_path: Path) -> None:
    leave_half(files, tmp_path / "a.part")
    there = (tmp_path / "a.part").stat().st_size
    download(files.url(), tmp_path / "a.part", locate=lambda _client, url: f"{url}?moved")
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert files.ranges == [f"bytes={there}-"]
    assert files.paths[-1] == "/weights.pth?moved"


def test_redirects_are_followed_and_those_in_a_circle_given_up(files: FileServer, tmp_path: Path) -> None:
    files.route = lambda path, _headers: Answer(302, {"Location": "/there"}) if path == "/weights.pth" else None
    download(files.url(), tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == CONTENT
    files.route = lambda _path, _headers: Answer(302, {"Location": "/weights.pth"})
    with pytest.raises(DownloadFailed, match="is not an address that can be downloaded"):
        download(files.url(), tmp_path / "b.part")


def test_nobody_listens(tmp_path: Path) -> None:
    with serving(b"") as gone:
        pass
    with pytest.raises(DownloadFailed, match=r"the connection broke .*3 attempts"):
        download(gone.url(), tmp_path / "a.part", policy=PATIENT)


def test_a_server_that_falls_silent(files: FileServer, tmp_path: Path) -> None:
    files.waits_half_way = True
    with pytest.raises(DownloadFailed, match="no more bytes arrived in time"):
        download(files.url(), tmp_path / "a.part", policy=replace(PATIENT, attempts=1, read_timeout_s=0.2))
    assert (tmp_path / "a.part").stat().st_size <= HALF


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://no-such-host.invalid/a.pth", "no host no-such-host.invalid was found"),
        ("ftp://example.org/a.pth", "is not an address that can be downloaded"),
        ("nonsense", "is not an address that can be downloaded"),
        ("http://[::1/a.pth", "is not an address that can be downloaded"),
    ],
)
def test_addresses_that_lead_nowhere(tmp_path: Path, url: str, expected: str) -> None:
    with pytest.raises(DownloadFailed, match=expected):
        download(url, tmp_path / "a.part", policy=PATIENT)


def test_no_room_is_said_before_the_first_byte(
    files: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, HALF))
    with pytest.raises(StorageError, match=f"has room for {HALF} bytes, and {len(CONTENT)} are still to come"):
        download(files.url(), tmp_path / "a.part")


def test_a_file_that_cannot_grow_any_more_is_kept_as_far_as_it_came(files: FileServer, tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"a\.part cannot be written: File too large; the received"):
            download(files.url(), part)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    there = part.stat().st_size
    assert 0 < there <= HALF
    download(files.url(), part)
    assert part.read_bytes() == CONTENT
    assert files.ranges == [None, f"bytes={there}-"]


def test_discarding_leaves_nothing(files: FileServer, tmp_path: Path) -> None:
    leave_half(files, tmp_path / "a.part")
    discard(tmp_path / "a.part")
    discard(tmp_path / "a.part")
    assert list(tmp_path.iterdir()) == []
