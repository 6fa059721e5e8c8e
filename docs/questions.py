"""``python -m docs.questions``: ask the site the questions of readers, click by click, in a browser without a window.

It prints how many clicks each question takes, the seconds of the machine from the first click to the heading of the
answer, and the words from that heading to the end of the answer, with the seconds that a reader needs for them. A
reader also has to find each link: that time is not in these figures.
"""

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.browser import Browser, find_chromium, started_browser
from benchmarks.hardware import describe_hardware
from benchmarks.result_file import write_result
from docs.site import build_site
from model.errors import InvalidInput
from placefix.console import output_console, run

HOME = "index.html"
DEFAULT_OUT = Path("benchmarks/results/questions.json")
WORDS_PER_S = 4.0  # 240 words a minute, as a careful reader reads

# The first link with a text, which a reader would click; and whether the section that it opens begins on the screen.
_LINK = "[...document.querySelectorAll('a')].find((each) => each.innerText.replace(/\\s+/g, ' ').includes({text}))"
_IS_READ = """(() => {
    const heading = document.getElementById(decodeURIComponent(location.hash.slice(1))) ?? document.querySelector("h1");
    const top = heading?.getBoundingClientRect().top ?? -1;
    return document.readyState === "complete" && top >= 0 && top < innerHeight;
})()"""
_WORDS = """(() => {
    const heading = document.getElementById(decodeURIComponent(location.hash.slice(1))) ?? document.querySelector("h1");
    const range = document.createRange();
    range.setStartBefore(heading);
    range.setEndAfter(document.querySelector("article").lastChild);
    const text = range.toString().replace(/\\s+/g, " ").trim();
    const at = text.indexOf(ANSWER);
    return at < 0 ? -1 : text.slice(0, at + ANSWER.length).split(" ").length;
})()"""


@dataclass(frozen=True)
class Question:
    """Hold a question of a reader.

    Attributes:
        text: The question.
        clicks: The texts of the links that lead to the answer from the home of the site, one a click.
        answer: Words of the section that the last link opens.
    """

    text: str
    clicks: tuple[str, ...]
    answer: str


QUESTIONS = (
    Question("How do I build a map from Google Takeout?", ("Collections",), "the JSON of Google Takeout beside it"),
    Question("What does uncertain mean?", ("First answer", "The meaning of uncertain"), "position is the best guess"),
    Question("Which network do I take?", ("First answer", "Which network"), "placefix weights fetch selavpr_msls"),
    Question("How do I build a map of my photos?", ("First answer", "Five minutes"), "make serve PHOTOS="),
    Question("How do I limit an answer to an area?", ("On the page",), "draw a circle"),
    Question("How sure is an answer?", ("How far to trust an answer", "Confidence"), "At most 5 %"),
    Question("Who sees my photos?", ("How far to trust an answer", "Privacy"), "A query stays in memory"),
    Question("How do I write positions into photos?", ("Many photos", "Writing positions back"), "placefix geotag"),
    Question("How do I give out keys?", ("Running it", "Keys"), "placefix keys create"),
    Question("How do I serve another version of a map?", ("Running it", "Serving another version"), "CURRENT"),
    Question("How do I add a shard?", ("Beyond one machine", "Starting shards"), "PLACEFIX_SHARD=1/2"),
    Question("How do I measure recall on my photos?", ("Evaluation",), "placefix evaluate"),
    Question("Does RANSAC help?", ("Against the alternatives", "RANSAC"), "inliers of RANSAC"),
    Question("Where is Eq. 8?", ("From the paper to the code",), "Eq. 8, score of a candidate"),
    Question("Which file holds the features?", ("Map format", "globals.npy and locals.npy"), "(rows, D)"),
    Question("Which code has an overloaded server?", ("Over HTTP", "Errors"), "overloaded"),
    Question("Why is the site built by MkDocs?", ("Decisions", "0023"), "strict mode"),
)


@dataclass(frozen=True)
class Reached:
    """Hold the outcome of a question.

    Attributes:
        question: The text of the question.
        clicks: The number of its clicks.
        seconds: The time of the machine from the first click to the heading of the answer.
        words: The words from that heading to the end of the answer.
    """

    question: str
    clicks: int
    seconds: float
    words: int

    @property
    def reading_s(self) -> float:
        """Return the seconds that a reader needs for the words."""
        return self.words / WORDS_PER_S


@contextmanager
def serving_site(folder: Path) -> Iterator[str]:
    """Serve a built site on this machine while the block lasts; yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def measure_questions(site: Path, browser: Browser, questions: Sequence[Question] = QUESTIONS) -> list[Reached]:
    """Ask questions by clicks, each from the home of the site.

    Args:
        site: The folder of a built site.
        browser: The browser.
        questions: The questions.

    Returns:
        The outcomes, in the order of the questions.

    Raises:
        InvalidInput: The last page does not have an answer.
    """
    found: list[Reached] = []
    with serving_site(site) as url:
        for question in questions:
            with browser.opened_tab() as tab:
                tab.go(f"{url}/{HOME}")
                start = time.perf_counter()
                for click in question.clicks:
                    link = _LINK.format(text=dumps(click))
                    tab.wait_for(f"{link} !== undefined")
                    target = tab.run(f"{link}.href")
                    tab.run(f"void {link}.click()")
                    tab.wait_for(f"location.href === {dumps(target)} && {_IS_READ}")
                seconds = time.perf_counter() - start
                words = int(tab.run(_WORDS.replace("ANSWER", dumps(question.answer))))
            if words < 0:
                raise InvalidInput(f"{question.text} The section does not say {question.answer!r}")
            found.append(Reached(question.text, len(question.clicks), seconds, words))
    return found


def questions(
    out: Annotated[Path, typer.Option(help="The JSON file of the figures.")] = DEFAULT_OUT,
) -> None:
    """Build the site, ask all questions, and write clicks, seconds and words."""
    if find_chromium() is None:
        raise InvalidInput("there is no browser to ask with: install chromium")
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        build_site(site)
        with started_browser(Path(folder) / "profile") as browser:
            rows = measure_questions(site, browser)
    write_result(out, {"words_per_s": WORDS_PER_S, "rows": [asdict(row) for row in rows]})
    console = output_console()
    console.print(describe_hardware(), soft_wrap=True)
    console.print(_table(rows))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Log nothing: each request would be a line."""


def _table(rows: Sequence[Reached]) -> Table:
    table = Table("question", "clicks", "seconds of the machine", "words to read", "seconds to read")
    for row in rows:
        table.add_row(row.question, str(row.clicks), f"{row.seconds:.2f}", str(row.words), f"{row.reading_s:.0f}")
    return table


if __name__ == "__main__":
    app = typer.Typer()
    app.command()(questions)
    run(app)
