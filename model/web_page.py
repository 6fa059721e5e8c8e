"""The words and forms of a web page that came in place of a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

_REFUSAL_CLASS = "uc-error-subcaption"  # the element in which Google Drive explains a refusal
_LONGEST_QUOTE = 300  # most characters of a page that an error quotes


@dataclass(frozen=True)
class Form:
    """Describe a form of a page.

    Attributes:
        action: The address of the form; it may be relative to the page's address.
        hidden: The hidden fields, in the page's order.
    """

    action: str
    hidden: Mapping[str, str]


@dataclass(frozen=True)
class WebPage:
    """Hold the words and forms of a page.

    Attributes:
        title: The title; empty if there is none.
        refusal: Google Drive's reason for a refusal; empty if the page states none.
        forms: The forms, by id; forms without an id are not read.
    """

    title: str
    refusal: str
    forms: Mapping[str, Form]

    @property
    def words(self) -> str:
        """Return the words of the page for an error; empty if no known element has words."""
        return (self.refusal or self.title)[:_LONGEST_QUOTE]


def read_web_page(html: str) -> WebPage:
    """Read a page, even with broken markup."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return WebPage(
        title=_one_line(reader.texts.get("title", "")),
        refusal=_one_line(reader.texts.get("refusal", "")),
        forms={name: Form(action, reader.hidden[name]) for name, action in reader.actions.items()},
    )


class _Reader(HTMLParser):
    """Collect the texts of two elements, and forms with their hidden fields."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: dict[str, str] = {}
        self.actions: dict[str, str] = {}
        self.hidden: dict[str, dict[str, str]] = {}
        self._collecting: tuple[str, str] | None = None  # the name of the text, and the tag that ends it
        self._form: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a text or a form, or take a field."""
        values = {name: value or "" for name, value in attrs}
        if tag == "title":
            self._collecting = ("title", tag)
        elif _REFUSAL_CLASS in values.get("class", "").split():
            self._collecting = ("refusal", tag)
        elif tag == "form" and values.get("id"):
            self._form = values["id"]
            self.actions[self._form] = values.get("action", "")
            self.hidden[self._form] = {}
        elif tag == "input" and self._form is not None and values.get("type", "").lower() == "hidden":
            self.hidden[self._form][values.get("name", "")] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """End a text or a form."""
        if self._collecting is not None and tag == self._collecting[1]:
            self._collecting = None
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        """Take a piece of a text."""
        if self._collecting is not None:
            name = self._collecting[0]
            self.texts[name] = self.texts.get(name, "") + data


def _one_line(text: str) -> str:
    return " ".join(text.split())
