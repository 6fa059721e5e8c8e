"""Published networks by every way, from servers that answer like GitHub and Google Drive."""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch

from model.downloads import RetryPolicy
from model.errors import StorageError
from model.publication import Hosts, PublishedWeights
from model.published_weights import catalogue
from model.weights import load_selavpr, resolve_weights
from model.weights_cache import WeightsCache
from model.weights_errors import DownloadFailed
from model.weights_fetch import FetchedWeights, fetch_weights
from tests.model.file_server import Answer, FileServer, serving
from tests.model.publishers import QUOTA, RELEASE, Drive, page, quota_page, release_route
from tests.model.weight_file_factory import TINY, backbone_state, random_network, same_weights, write_reference

NAME = "selavpr_msls"
RELEASED = f"{RELEASE}SelaVPR_msls.pth"
DRIVE_ID = "1vy05l0JTEgr6n8iSoz_P_yjWfEzFPAkV"
HURRIED = RetryPolicy(attempts=1, first_pause_s=0.01)
PATIENT = RetryPolicy(attempts=3, first_pause_s=0.01)
OTHER_NETWORK = replace(TINY, depth=3)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the published file, as bytes."""
    return write_reference(tmp_path_factory.mktemp("content") / "a.pth", random_network()).read_bytes()


@dataclass
class Publishers:
    """Hold both servers, the cache, and the notes."""

    github: FileServer
    drive: FileServer
    cache: WeightsCache
    notes: list[str] = field(default_factory=list)

    def fetch(self, name: str = NAME, *, policy: RetryPolicy = HURRIED, sha256: str | None = None) -> FetchedWeights:
        return fetch_weights(
            name, self.cache, sha256=sha256, catalogue=self.known(), policy=policy, on_note=self.notes.append
        )

    def known(self) -> Mapping[str, PublishedWeights]:
        """Return the catalogue at these servers, with networks that are small enough for a test."""
        hosts = Hosts(github=self.github.address, google_drive=self.drive.address)
        parameters = sum(parameter.numel() for parameter in random_network().parameters())
        return {
            name: replace(entry, parameters=parameters if entry.parameters else None)
            for name, entry in catalogue(hosts).items()
        }

    def of_release(self) -> str:
        return f"{self.github.address}{RELEASED}"

    def of_drive(self) -> str:
        return f"{self.drive.address}/uc?id={DRIVE_ID}"

    def files(self) -> list[str]:
        return sorted(path.name for path in self.cache.folder.iterdir() if not path.name.startswith("."))


@pytest.fixture
def publishers(content: bytes, tmp_path: Path) -> Iterator[Publishers]:
    with serving(content) as github, serving(content) as drive:
        github.route = release_route
        drive.route = Drive(drive, DRIVE_ID)
        drive.disposition = 'attachment; filename="SelaVPR_msls.pth"'
        yield Publishers(github, drive, WeightsCache(tmp_path / "cache"))


def refused(_path: str, _headers: Mapping[str, str]) -> Answer:
    return page("Page not found", "", 404)


def out_of_quota(_path: str, _headers: Mapping[str, str]) -> Answer:
    return quota_page()


def test_the_release_comes_first_over_its_redirects(publishers: Publishers, content: bytes) -> None:
    fetched = publishers.fetch()
    assert fetched == FetchedWeights(
        name=NAME,
        path=publishers.cache.folder / "selavpr_msls.pth",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        source=publishers.of_release(),
        is_new=True,
        compared_with="nothing",
    )
    assert [path.partition("?")[0] for path in publishers.github.paths] == [
        RELEASED,
        "/moved/SelaVPR_msls.pth",
        "/assets/SelaVPR_msls.pth",
    ]
    assert publishers.drive.paths == []
    assert publishers.notes == []
    assert same_weights(load_selavpr(resolve_weights(NAME, publishers.cache), num_heads=4), random_network())


def test_what_is_there_is_not_asked_for_again(publishers: Publishers) -> None:
    first = publishers.fetch()
    publishers.github.paths.clear()
    assert publishers.fetch() == replace(first, is_new=False, compared_with="remembered")
    assert publishers.github.paths == publishers.drive.paths == []


def test_another_network_of_the_release_is_another_file(publishers: Publishers) -> None:
    publishers.fetch("selavpr_pitts30k")
    assert publishers.github.paths[0] == f"{RELEASE}SelaVPR_pitts30k.pth"
    assert publishers.files() == ["selavpr_pitts30k.pth", "selavpr_pitts30k.pth.json"]


def test_drive_is_asked_where_the_release_is_gone(publishers: Publishers) -> None:
    publishers.github.route = refused
    fetched = publishers.fetch()
    assert fetched.source == publishers.of_drive()
    [note] = publishers.notes
    assert note.startswith("From the release v1.0.0 of gogojjh/SelaVPR on GitHub: ")
    assert "there is nothing at this address (HTTP status 404); the page says: Page not found" in note
    assert note.endswith("Trying Google Drive")
    asked, sent = publishers.drive.paths
    assert asked == f"/uc?id={DRIVE_ID}"
    assert sent.startswith("/download?")
    assert publishers.files() == ["selavpr_msls.pth", "selavpr_msls.pth.json"]


def test_drive_is_asked_where_github_is_down(publishers: Publishers) -> None:
    with serving(b"") as gone:
        pass
    publishers.github.address = gone.address
    assert publishers.fetch(policy=PATIENT).source == publishers.of_drive()
    assert "the connection broke" in publishers.notes[0]
    assert "given up after 3 attempts" in publishers.notes[0]


def test_drive_is_asked_where_github_falls_silent(publishers: Publishers) -> None:
    publishers.github.waits_half_way = True
    assert publishers.fetch(policy=replace(HURRIED, read_timeout_s=0.2)).source == publishers.of_drive()
    assert "no more bytes arrived in time" in publishers.notes[0]


def test_drive_is_asked_where_a_page_comes_in_place_of_the_release(publishers: Publishers) -> None:
    publishers.github.route = lambda _path, _headers: page("Sign in to the network", "")
    assert publishers.fetch().source == publishers.of_drive()
    assert "is a web page, not a file; the page says: Sign in to the network" in publishers.notes[0]


def test_a_page_that_calls_itself_a_file_is_seen_by_its_first_bytes(publishers: Publishers) -> None:
    publishers.github.content = b"<!DOCTYPE html><html>sign in</html>"
    assert publishers.fetch().source == publishers.of_drive()
    assert "is a web page, not a checkpoint" in publishers.notes[0]


def wrong_file(kind: str, folder: Path, content: bytes) -> bytes:
    path = folder / "wrong.pth"
    match kind:
        case "another network":
            write_reference(path, random_network(OTHER_NETWORK))
        case "a tensor less":
            write_reference(path, random_network(), lambda state: state.pop("module.LocalAdapt.upconv2.bias"))
        case "a backbone":
            torch.save(backbone_state(random_network()), path)
        case "no tensors":
            torch.save({"model_state_dict": {"a": 1}}, path)
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
    return path.read_bytes()


WRONG = {
    "another network": r"is another network than selavpr_msls: a trained network of [\d,]+ parameters, expected a",
    "a tensor less": "1 of .* tensors are missing: module.LocalAdapt.upconv2.bias",
    "a backbone": "is another network than selavpr_msls: a backbone without training for places",
    "no tensors": "is not a known checkpoint",
    "truncated": "is truncated or damaged",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_of_the_release_is_told_and_drive_asked(
    publishers: Publishers, tmp_path: Path, content: bytes, kind: str
) -> None:
    publishers.github.content = wrong_file(kind, tmp_path, content)
    fetched = publishers.fetch()
    assert fetched.source == publishers.of_drive()
    assert fetched.sha256 == hashlib.sha256(content).hexdigest()
    [note] = publishers.notes
    assert re.search(WRONG[kind], note), note
    assert publishers.files() == ["selavpr_msls.pth", "selavpr_msls.pth.json"]


@pytest.mark.parametrize("kind", WRONG)
def test_the_sum_of_a_wrong_file_is_never_remembered(
    publishers: Publishers, tmp_path: Path, content: bytes, kind: str
) -> None:
    publishers.github.content = publishers.drive.content = wrong_file(kind, tmp_path, content)
    with pytest.raises(DownloadFailed) as caught:
        publishers.fetch()
    assert re.search(f"GitHub: .*{WRONG[kind]}.*Google Drive: .*{WRONG[kind]}", caught.value.message)
    with pytest.raises(DownloadFailed):  # also not if the user gives the checksum
        publishers.fetch(sha256=hashlib.sha256(publishers.drive.content).hexdigest())
    assert publishers.files() == []


def test_a_backbone_is_not_taken_for_the_trained_network_that_grows_to_its_size(
    publishers: Publishers, tmp_path: Path
) -> None:
    """As DINOv2's ViT-L does: it loads with adapters that are not trained, and so with as many parameters."""
    torch.save(backbone_state(random_network()), tmp_path / "backbone.pth")
    grown = sum(parameter.numel() for parameter in load_selavpr(tmp_path / "backbone.pth").parameters())
    known = {NAME: replace(publishers.known()[NAME], parameters=grown)}
    publishers.github.content = publishers.drive.content = (tmp_path / "backbone.pth").read_bytes()
    with pytest.raises(DownloadFailed, match=f"a backbone without training for places of {grown:,} parameters"):
        fetch_weights(NAME, publishers.cache, catalogue=known, policy=HURRIED)
    assert publishers.files() == []


def test_where_every_way_fails_all_reasons_and_the_way_by_hand_are_told(publishers: Publishers) -> None:
    publishers.github.route = refused
    publishers.drive.route = out_of_quota
    with pytest.raises(DownloadFailed) as caught:
        publishers.fetch()
    for part in (
        "selavpr_msls could not be fetched. From the release v1.0.0",
        "there is nothing at this address",
        f"Google Drive does not give the file now, and says: {QUOTA}",
        f"By hand: open {publishers.drive.address}/file/d/{DRIVE_ID}/view in a browser, save SelaVPR_msls.pth",
        "then run: placefix weights import SelaVPR_msls.pth",
    ):
        assert part in caught.value.message
    assert publishers.files() == []


def test_a_network_that_is_on_drive_alone_is_asked_for_there_alone(publishers: Publishers) -> None:
    publishers.drive.route = Drive(publishers.drive, "16Qkr6MGe3k0kYtFfw3YLQXZFn4c9YvJk")
    assert publishers.fetch("selavpr_reg4_msls").is_new
    assert publishers.github.paths == publishers.notes == []
    publishers.drive.route = out_of_quota
    publishers.fetch("selavpr_reg4_msls").path.unlink()
    with pytest.raises(DownloadFailed, match=rf"{QUOTA}\. By hand: open .* import SelaVPR_reg4_msls\.pth$"):
        publishers.fetch("selavpr_reg4_msls")


def test_what_one_way_has_brought_is_kept_while_another_fails_and_continued(
    publishers: Publishers, content: bytes
) -> None:
    half = len(content) // 2
    publishers.github.drop_after = [half]
    route, publishers.drive.route = publishers.drive.route, out_of_quota
    with pytest.raises(DownloadFailed, match=f"GitHub: .*{half} bytes are kept"):
        publishers.fetch()
    publishers.drive.route = route
    publishers.github.route, of_release = refused, publishers.github.route
    publishers.drive.drop_after = [half]
    with pytest.raises(DownloadFailed, match=f"Google Drive: .*{half} bytes are kept"):
        publishers.fetch()
    publishers.github.route = of_release
    assert publishers.fetch().source == publishers.of_release()
    assert publishers.github.ranges == [None, f"bytes={half}-"]
    assert publishers.files() == ["selavpr_msls.pth", "selavpr_msls.pth.json"]
    assert resolve_weights(NAME, publishers.cache).read_bytes() == content


def test_without_a_network_what_has_arrived_is_kept(publishers: Publishers, content: bytes) -> None:
    publishers.github.drop_after = [len(content) // 2]
    publishers.drive.route = out_of_quota
    with pytest.raises(DownloadFailed):
        publishers.fetch()
    kept = publishers.files()
    with serving(b"") as gone:
        pass
    known = catalogue(Hosts(github="https://no-such-host.invalid", google_drive=gone.address))
    with pytest.raises(DownloadFailed) as caught:
        fetch_weights(NAME, publishers.cache, catalogue=known, policy=PATIENT)
    assert "no host no-such-host.invalid was found; check the address, the network" in caught.value.message
    assert "Google Drive: " in caught.value.message
    assert "the connection broke" in caught.value.message
    assert publishers.files() == kept == ["selavpr_msls.pth.part", "selavpr_msls.pth.part.json"]


def test_a_file_of_drive_is_continued_with_a_new_form(publishers: Publishers, content: bytes) -> None:
    publishers.github.route = refused
    half = len(content) // 2
    publishers.drive.drop_after = [half]
    assert publishers.fetch(policy=PATIENT).source == publishers.of_drive()
    assert publishers.drive.ranges == [None, f"bytes={half}-"]
    pages = [path for path in publishers.drive.paths if path.startswith("/uc")]
    assert len(pages) == 2


def test_a_file_of_drive_that_was_replaced_meanwhile_is_not_mixed(
    publishers: Publishers, content: bytes, tmp_path: Path
) -> None:
    publishers.github.route = refused
    publishers.drive.drop_after = [len(content) // 2]
    with pytest.raises(DownloadFailed):
        publishers.fetch()
    replaced = write_reference(tmp_path / "new.pth", random_network(seed=5)).read_bytes()
    publishers.drive.content = replaced
    assert publishers.fetch().path.read_bytes() == replaced


def test_a_file_that_drive_gives_at_once_needs_no_form(publishers: Publishers) -> None:
    publishers.github.route = refused
    publishers.drive.route = lambda _path, _headers: None
    assert publishers.fetch().source == publishers.of_drive()
    assert publishers.drive.paths == [f"/uc?id={DRIVE_ID}"] * 2


@pytest.mark.parametrize(
    "failure",
    [Answer(503), Answer(429), replace(page("Virus scan", "<form id=download-form action=/x>"), is_cut=True)],
    ids=["unavailable", "too many", "cut"],
)
def test_drives_page_is_asked_for_again_after_an_error_of_the_moment(publishers: Publishers, failure: Answer) -> None:
    publishers.github.route = refused
    route, failures = publishers.drive.route, [failure, failure]
    publishers.drive.route = lambda path, headers: failures.pop() if failures else route(path, headers)
    assert publishers.fetch(policy=PATIENT).source == publishers.of_drive()
    assert len(publishers.drive.paths) == 4


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (quota_page(403), f"refuses access (HTTP status 403); the page says: {QUOTA}"),
        (page("Google Drive – Access denied", "<p>You need access</p>"), "which says: Google Drive – Access denied"),
        (
            page("", "<form id=download-form><input type=hidden name=id value=1></form>"),
            "without a form to download by",
        ),
        (
            page("", "<form id=download-form action='ftp://127.0.0.1/a'></form>"),
            "is not an address that can be downloaded",
        ),
        (page("", "<form id=download-form action='http://[::1/a'></form>"), "not an address that can be downloaded"),
        (page("", "<form id=download-form action='/uc?id=1&amp;x=1'></form>"), "is a web page, not a file"),
    ],
    ids=["quota with a status", "no access", "no action", "not http", "no address", "a page again"],
)
def test_a_page_of_drive_that_leads_nowhere_is_told(publishers: Publishers, answer: Answer, expected: str) -> None:
    publishers.github.route = refused
    publishers.drive.route = lambda _path, _headers: answer
    with pytest.raises(DownloadFailed) as caught:
        publishers.fetch()
    assert expected in caught.value.message
    assert publishers.files() == []


def test_a_given_sum_is_looked_for_on_every_way(publishers: Publishers, content: bytes, tmp_path: Path) -> None:
    publishers.github.content = write_reference(tmp_path / "other.pth", random_network(seed=5)).read_bytes()
    fetched = publishers.fetch(sha256=hashlib.sha256(content).hexdigest())
    assert fetched.source == publishers.of_drive()
    assert fetched.compared_with == "given"
    assert "another file than expected: was given SHA-256" in publishers.notes[0]


def test_what_another_way_brings_later_must_be_the_file_of_the_first(
    publishers: Publishers, content: bytes, tmp_path: Path
) -> None:
    publishers.fetch().path.unlink()
    publishers.github.route = refused
    publishers.drive.content = write_reference(tmp_path / "other.pth", random_network(seed=5)).read_bytes()
    with pytest.raises(DownloadFailed, match=r"Google Drive: .*an earlier download had SHA-256"):
        publishers.fetch()
    publishers.drive.content = content
    again = publishers.fetch()
    assert again.source == publishers.of_drive()
    assert again.compared_with == "remembered"


def test_a_full_disk_is_told_at_once_and_no_other_way_tried(
    publishers: Publishers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 10))
    with pytest.raises(StorageError, match="has room for 10 bytes"):
        publishers.fetch()
    assert publishers.drive.paths == publishers.notes == []


def test_the_names_of_published_networks_are_not_taken_over(publishers: Publishers) -> None:
    fetch_weights(publishers.github.url("assets/a.pth"), publishers.cache, name=NAME)
    with pytest.raises(DownloadFailed, match=r"was fetched from .*/assets/a\.pth; choose another name with --name"):
        publishers.fetch()
    fetched = fetch_weights(NAME, publishers.cache, name="mine", catalogue=publishers.known())
    assert fetched.path == publishers.cache.folder / "mine.pth"
    (publishers.cache.folder / "own.safetensors").touch()
    with pytest.raises(DownloadFailed, match="own is the name of another file in the cache"):
        fetch_weights(NAME, publishers.cache, name="own", catalogue=publishers.known())
