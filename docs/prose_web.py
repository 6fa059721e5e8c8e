"""Find the prose in files of the page: comments and messages of JavaScript and CSS, and texts of HTML."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

_WORDS_OF_A_MESSAGE = 4  # shorter strings are names, classes and labels
_READ_ALOUD = ("alt", "aria-label", "placeholder", "title")

# In this order: a string may hold //, and an expression between slashes may hold quotes.
_SCRIPT = re.compile(
    r"""
      (?P<block>/\*.*?\*/)
    | (?P<line>//[^\n]*)
    | "(?P<double>(?:\\.|[^"\\\n])*)"
    | `(?P<template>(?:\\.|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}|[^`\\])*)`
    | (?<=[=(,:!&|?;])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*
    """,
    re.VERBOSE | re.DOTALL,
)
_NAMED_TAG = re.compile(r"^@(?:param|property|typedef) (?:\{.*\} )?\[?[\w.=]+\]? ?")
_TAG = re.compile(r"^@(?!param|property|typedef)\w+ (?:\{.*\} ?)?")
_VALUE = re.compile(r"\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}")


def texts_of_script(source: str) -> Iterator[tuple[int, str]]:
    """Yield comments, paragraph by paragraph, and messages of four words and more, each with the number of its line."""
    lines: list[str] = []
    start = last = 0
    for found in _SCRIPT.finditer(source):
        number = source.count("\n", 0, found.start()) + 1
        if found["line"] is not None:
            if lines and number != last + 1:
                yield start, " ".join(lines)
                lines = []
            start, last = (start if lines else number), number
            lines.append(found["line"].lstrip("/ "))
        elif found["block"] is not None:
            yield from _paragraphs(number, found["block"])
        else:
            text = _VALUE.sub("{}", found["template"]) if found["template"] is not None else found["double"] or ""
            if len(text.split()) >= _WORDS_OF_A_MESSAGE:
                yield number, text
    if lines:
        yield start, " ".join(lines)


def texts_of_page(source: str) -> Iterator[tuple[int, str]]:
    """Yield the texts of four words and more, and those that are read aloud, each with the number of its line."""
    parser = _Texts()
    parser.feed(source)
    parser.close()
    yield from ((number, text) for number, text in parser.found if len(text.split()) >= _WORDS_OF_A_MESSAGE)


class _Texts(HTMLParser):
    """Collect the texts of a page: a tag inside a sentence does not end it."""

    _INSIDE = frozenset({"a", "b", "code", "em", "kbd", "span", "strong", "time"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._ends_sentence = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._ends_sentence |= tag not in self._INSIDE
        self.found += [(self.getpos()[0], value) for name, value in attrs if name in _READ_ALOUD and value]

    def handle_endtag(self, tag: str) -> None:
        self._ends_sentence |= tag not in self._INSIDE

    def handle_data(self, data: str) -> None:
        if not data.strip():
            return
        if self._ends_sentence or not self.found:
            self.found.append((self.getpos()[0], data.strip()))
        else:
            number, text = self.found[-1]
            self.found[-1] = (number, f"{text} {data.strip()}")
        self._ends_sentence = False

    def handle_comment(self, data: str) -> None:
        self.found.append((self.getpos()[0], data.strip()))


def _paragraphs(number: int, comment: str) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs of a block, and the words behind each of its tags (``@param``)."""
    start, words = number, list[str]()
    for line_number, line in enumerate([*comment.strip("/*").splitlines(), ""], start=number):
        text = line.strip().lstrip("*").strip()
        if words and (not text or text.startswith("@")):
            yield start, " ".join(words)
            words = []
        text = _NAMED_TAG.sub("", _TAG.sub("", text)) if text.startswith("@") else text
        if text:
            start = start if words else line_number
            words.append(text)
