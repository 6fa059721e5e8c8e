"""Many photos on the page, in a real browser: the queue, the table, and questions about several together."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.browser import Tab
from service.settings import ServiceSettings
from tests.conftest import write_photo
from tests.service.conftest import Serve, Served, Town, serving

ROWS = "document.querySelectorAll('.task').length"
ANSWERED = "document.querySelectorAll('#answer li.candidate').length === 10 && document.querySelector('.plan .spot')"


@pytest.fixture(scope="module")
def server(judged_towns: dict[str, Town]) -> Iterator[Served]:
    """Serve a map for each status."""
    maps = tuple(each.map_path for each in judged_towns.values())
    with serving(ServiceSettings(maps=maps)) as served:
        served.wait_until_ready()
        yield served


@pytest.fixture
def photos(town: Town, tmp_path: Path) -> Path:
    """Make a folder of three photos of the town, one of them in a subfolder, with other files beside them."""
    folder = tmp_path / "walk"
    (folder / "b").mkdir(parents=True)
    for name, place_id in (("1.jpg", "a street/1.jpg"), ("2.JPG", "a street/2.jpg"), ("b/ü, 3.jpg", "100%.jpg")):
        shutil.copy(town.photos[place_id], folder / name)
    (folder / "notes.txt").write_text("no picture")
    (folder / ".trash").mkdir()
    shutil.copy(town.photos["100%.jpg"], folder / ".trash" / "old.jpg")
    return folder


NAMES = ["walk/1.jpg", "walk/2.JPG", "walk/b/ü, 3.jpg"]


def show(tab: Tab, server: Served, address: str = "map=localized") -> None:
    tab.go(f"{server.url}/#{address}")
    tab.wait_for("document.querySelector('#prior button') && document.querySelector('#place-list summary')")


def wait_until_done(tab: Tab, count: int) -> None:
    tab.wait_for(f"document.querySelector('.done')?.textContent === '{count} of {count} done'")
    tab.run("new Promise(requestAnimationFrame)")


def names(tab: Tab) -> list[str]:
    """Return the names of the rows, from above."""
    found: list[str] = tab.run(
        "[...document.querySelectorAll('.task')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)"
        ".map((row) => row.querySelector('.file').textContent)"
    )
    return found


def cells(tab: Tab, name: str) -> dict[str, str]:
    """Return the cells in the row of a photo."""
    found: dict[str, str] = tab.run(
        f"Object.fromEntries([...[...document.querySelectorAll('.task')]"
        f".find((row) => row.querySelector('.file').textContent === {name!r})"
        ".querySelectorAll('[data-cell]')].map((cell) => [cell.dataset.cell, cell.textContent]))"
    )
    return found


def click(tab: Tab, label: str) -> None:
    """Press the button that has a label."""
    tab.run(f"[...document.querySelectorAll('button')].find((each) => each.textContent === {label!r}).click()")
    tab.run("new Promise(requestAnimationFrame)")


def value(tab: Tab, name: str) -> str | None:
    found: str | None = tab.run(f"new URLSearchParams(location.hash.slice(1)).get({name!r})")
    return found


def test_a_folder_that_is_dropped_becomes_a_table(tab: Tab, server: Served, photos: Path) -> None:
    show(tab, server)
    tab.drop([photos])
    wait_until_done(tab, 3)
    assert names(tab) == NAMES
    assert tab.run("document.querySelector('.note').textContent") == "2 files that are not pictures were left out."
    assert value(tab, "mode") == "many"
    said = cells(tab, "walk/1.jpg")
    assert said["status"] == "found"
    assert said["place"] == "55.70100, 13.19800"
    assert said["confidence"] == "98 %"
    assert said["radius"] == "13 m"
    assert said["time"].endswith("s")
    tab.wait_for("[...document.querySelectorAll('.task canvas')].every(({ width }) => width === 96)")
    assert tab.complaints == []
    assert {address.split("/")[2] for address in tab.received} == {f"127.0.0.1:{server.port}"}


def test_a_folder_that_is_chosen_is_the_same(tab: Tab, server: Served, photos: Path) -> None:
    show(tab, server, "map=localized&mode=many")
    tab.give_files("#folder", [photos])
    wait_until_done(tab, 3)
    assert sorted(names(tab)) == NAMES


def test_one_photo_is_still_a_question_alone_and_what_is_in_the_table_stays(
    tab: Tab, server: Served, photos: Path
) -> None:
    show(tab, server)
    tab.give_files("#file", [photos / "1.jpg"])
    tab.wait_for(ANSWERED)
    assert value(tab, "mode") is None
    click_link(tab, "to-many")
    tab.wait_for("document.querySelector('.none').checkVisibility()")
    tab.drop([photos / "2.JPG"])
    wait_until_done(tab, 1)
    click_link(tab, "to-one")
    tab.wait_for("document.getElementById('preview-caption').textContent === '1.jpg'")
    assert "Found here" in tab.run("document.getElementById('verdict').textContent")
    assert not tab.run("document.querySelector('.table').checkVisibility()")
    tab.run("history.back()")
    tab.wait_for("document.querySelector('.table').checkVisibility()")
    assert names(tab) == ["2.JPG"]
    assert tab.complaints == []


def click_link(tab: Tab, element_id: str) -> None:
    tab.run(f"document.getElementById({element_id!r}).click()")
    mode = "many" if element_id == "to-many" else "one"
    tab.wait_for(f"document.body.dataset.mode === '{mode}'")


def test_a_row_is_shown_on_the_map_with_its_answer(tab: Tab, server: Served, photos: Path) -> None:
    show(tab, server)
    tab.drop([photos])
    wait_until_done(tab, 3)
    tab.run("document.querySelectorAll('.task')[1].click()")
    tab.wait_for(f"{ANSWERED} && document.querySelector('.radius')")
    assert value(tab, "photo") == "walk/2.JPG"
    assert tab.run("document.querySelector('#answer .candidate').title") == "a street/2.jpg"
    assert tab.run("document.getElementById('preview-caption').textContent") == "walk/2.JPG"
    assert tab.run("document.querySelectorAll('.task[aria-current]').length") == 1

    for key, code, name in (("ArrowDown", 40, NAMES[2]), ("Home", 36, NAMES[0]), ("End", 35, NAMES[2])):
        tab.press(key, code=code)
        tab.wait_for(f"document.getElementById('preview-caption').textContent === {name!r}")
    tab.press(" ", code=32, text=" ")
    assert tab.run("document.activeElement.ariaSelected") == "true"
    tab.wait_for("document.querySelector('.marked span').textContent === '1 marked'")  # the bar is drawn a little later
    tab.press("Enter", code=13, text="\r")
    assert tab.run("document.activeElement.id") == "answer"
    assert tab.complaints == []


def test_the_rows_are_sorted_and_filtered_and_the_address_says_how(tab: Tab, server: Served, photos: Path) -> None:
    (photos / "4.jpg").write_text("no picture")
    show(tab, server, "map=localized&mode=many&sort=-name&status=localized")
    tab.drop([photos])
    wait_until_done(tab, 4)
    assert names(tab) == NAMES[::-1]
    assert tab.run("document.querySelector('[data-column=name]').ariaSort") == "descending"
    click(tab, "failed 1")
    assert value(tab, "status") == "failed"
    assert names(tab) == ["walk/4.jpg"]
    assert cells(tab, "walk/4.jpg")["place"].startswith("The file is not a picture: it starts with b'no p")
    click(tab, "all 4")
    click(tab, "Place")
    assert value(tab, "sort") == "place"
    assert names(tab) == [*NAMES[:2], "walk/b/ü, 3.jpg", "walk/4.jpg"]  # photos without a place stand at the end
    click(tab, "Place")
    assert names(tab) == ["walk/b/ü, 3.jpg", *NAMES[1::-1], "walk/4.jpg"]


@pytest.mark.parametrize("together", ["place", "sequence"])
def test_photos_that_are_marked_are_asked_as_one_question(
    together: str, tab: Tab, server: Served, photos: Path
) -> None:
    show(tab, server)
    tab.drop([photos])
    wait_until_done(tab, 3)
    tab.run("document.querySelectorAll('.task input')[0].click(), document.querySelectorAll('.task input')[1].click()")
    tab.run("new Promise(requestAnimationFrame)")
    click(tab, {"place": "Ask as one place", "sequence": "Ask as a sequence"}[together])
    wait_until_done(tab, 4)
    name = "walk/1.jpg + walk/2.JPG"
    assert names(tab)[3] == name
    tab.wait_for("document.querySelector('#answer li.candidate') && document.querySelector('.plan .spot')")
    assert tab.run("document.querySelector('.raw pre').textContent.includes('\"photos\": [')")
    assert any(f"together={together}" in address for address in tab.received)


def test_photos_that_are_given_together_are_one_question_within_the_limit(
    tab: Tab, server: Served, photos: Path, town: Town
) -> None:
    show(tab, server, "map=localized&mode=many&together=place")
    assert tab.run("document.getElementById('together').value") == "place"
    tab.drop([photos])
    wait_until_done(tab, 1)
    assert names(tab) == [" + ".join(NAMES)]
    tab.give_files("#file", [town.photos[place_id] for place_id in list(town.photos)[:11]])
    tab.wait_for("document.querySelector('.note').textContent !== '2 files that are not pictures were left out.'")
    assert tab.run("document.querySelector('.note').textContent") == (
        "One question takes at most 10 photos, and these are 11."
    )
    assert len(names(tab)) == 1


class Occupied:
    """Hold the only place of a server with a request until the test releases it."""

    def __init__(self, served: Served) -> None:
        self._may_end = threading.Event()
        self._has_begun = threading.Event()
        self._thread = threading.Thread(target=self._send, args=(served.url,))
        self._thread.start()
        self._has_begun.wait()

    def _send(self, url: str) -> None:
        def body() -> Iterator[bytes]:
            yield b"x"
            self._has_begun.set()
            self._may_end.wait()

        httpx.post(f"{url}/localize", content=body(), timeout=60)

    def end(self) -> None:
        self._may_end.set()
        self._thread.join()


def test_the_queue_waits_while_the_service_has_no_room_and_pauses_when_told(
    tab: Tab, serve: Serve, judged_towns: dict[str, Town], photos: Path
) -> None:
    served = serve(judged_towns["localized"], max_in_flight=1)
    show(tab, served)
    occupied = Occupied(served)
    try:
        tab.drop([photos])
        tab.wait_for("document.querySelector('.state-line')?.textContent.startsWith('Overloaded')")
        assert tab.run("document.querySelector('.state-line').textContent") == (
            "Overloaded: the queue goes on after 1 s."
        )
        click(tab, "Pause")
    finally:
        occupied.end()
    assert tab.run("!dispatchEvent(new Event('beforeunload', { cancelable: true }))")  # leaving would lose them
    tab.wait_for("document.querySelector('.state-line').textContent.startsWith('Paused')")
    assert tab.run("document.querySelector('.done').textContent") == "0 of 3 done"
    click(tab, "Go on")
    wait_until_done(tab, 3)
    assert {cells(tab, name)["status"] for name in NAMES} == {"found"}
    assert tab.run("dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    assert all("503" in complaint for complaint in tab.complaints)


def test_what_was_given_up_or_failed_can_be_asked_again(
    tab: Tab, serve: Serve, judged_towns: dict[str, Town], photos: Path
) -> None:
    served = serve(judged_towns["localized"], max_in_flight=1)
    show(tab, served)
    occupied = Occupied(served)
    try:
        tab.drop([photos])
        tab.wait_for("document.querySelector('.state-line')?.textContent.startsWith('Overloaded')")
        click(tab, "Give up")
        wait_until_done(tab, 3)
        assert {cells(tab, name)["status"] for name in NAMES} == {"given up"}
    finally:
        occupied.end()
    click(tab, "Ask again for 3")
    tab.wait_for("document.querySelectorAll('.task[data-status=localized]').length === 3")


QUEUE = """
    Promise.all(["work/queue.js", "service.js"].map((name) => import(folder + name))).then(async (modules) => {
      const [{ Queue }, { Failure }] = modules;
      const refusals = %s, asked = [], waits = [], wakes = [];
      const queue = new Queue({
        most: 2,
        ask: async (task) => {
          asked.push(task.name);
          const refusal = refusals.shift();
          if (refusal) throw new Failure("", "", refusal);
          return { status: "localized" };
        },
        onChange() {}, onKey() {},
        later: (act, afterMs) => (waits.push(afterMs / 1000), wakes.push(act)),
      });
      const tasks = ["a", "b", "c"].map((name) => ({ name, status: null }));
      queue.add(tasks);
      while (queue.isBusy) {
        await new Promise((done) => setTimeout(done));
        wakes.shift()?.();
      }
      return { waits, asked: asked.length, statuses: tasks.map(({ status }) => status) };
    })
"""


@pytest.mark.parametrize(
    ("refusals", "waits"),
    [
        ("[{ status: 503, retryAfterS: 7 }]", [7]),
        ("[{ status: 429, retryAfterS: 0.5 }, null, { status: 503, retryAfterS: 3 }]", [0.5, 3]),
        ("[null, null, { status: 503 }, { status: 503 }, { code: 'unreachable' }]", [1, 2, 4]),
    ],
)
def test_the_queue_waits_as_long_as_the_service_says(
    refusals: str, waits: list[float], tab: Tab, server: Served
) -> None:
    show(tab, server)
    folder = "const folder = document.querySelector('script[type=module]').src.replace('page.js', '');"
    found = tab.run(f"{{ {folder} {QUEUE % refusals} }}")
    assert found["waits"] == waits
    assert found["asked"] == 3 + len(waits)
    assert found["statuses"] == ["localized"] * 3


@pytest.mark.parametrize("count", [80, pytest.param(500, marks=pytest.mark.faults)])
def test_many_photos_are_no_trouble(count: int, tab: Tab, server: Served, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    first = write_photo(folder / "000.jpg", 1, size=(64, 48))
    for number in range(1, count):
        shutil.copy(first, folder / f"{number:03}.jpg")
    show(tab, server)
    tab.drop([folder])
    wait_until_done(tab, count)
    assert tab.run(ROWS) < 50
    assert tab.run("document.querySelector('.table').ariaRowCount") == f"{count + 1}"
    tab.run("document.querySelector('.table').scrollTop = 1e6")
    last = f"many/{count - 1:03}.jpg"
    tab.wait_for(f"[...document.querySelectorAll('.file')].some(({{ textContent }}) => textContent === '{last}')")
    assert tab.run(ROWS) < 50
    tab.run("document.querySelector('.task').focus()")
    tab.press("End", code=35)
    tab.wait_for(f"document.activeElement.ariaRowIndex === '{count + 1}'")
    assert tab.complaints == []
