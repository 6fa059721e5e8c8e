"""Read what matters of a web page that came in place of a file: its words, and its forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

_REFUSAL_CLASS = "uc-error-subcaption"  # where Google Drive says why it does not give a file
_LONGEST_QUOTE = 300  # characters of a page that an error repeats


@dataclass(frozen=True)
class Form:
    """A form of a page.

    Attributes:
        action: Where it is sent, as the page has it: it may be relative to the page's address.
        hidden: The fields that a person does not see, in the page's order.
    """

    action: str
    hidden: Mapping[str, str]


@dataclass(frozen=True)
class WebPage:
    """What was read of a page.

    Attributes:
        title: What a browser shows above it; empty if it has none.
        refusal: Why Google Drive does not give a file; empty if the page does not say.
        forms: By their ids; forms without one are not read.
    """

    title: str
    refusal: str
    forms: Mapping[str, Form]

    @property
    def words(self) -> str:
        """What the page says, as far as an error can repeat it; empty if it says nothing that is known here."""
        return (self.refusal or self.title)[:_LONGEST_QUOTE]


def read_web_page(html: str) -> WebPage:
    """Read a page, however broken its markup is."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return WebPage(
        title=_one_line(reader.texts.get("title", "")),
        refusal=_one_line(reader.texts.get("refusal", "")),
        forms={name: Form(action, reader.hidden[name]) for name, action in reader.actions.items()},
    )


class _Reader(HTMLParser):
    """Collects the texts of two elements, and forms with their hidden fields."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: dict[str, str] = {}
        self.actions: dict[str, str] = {}
        self.hidden: dict[str, dict[str, str]] = {}
        self._collecting: tuple[str, str] | None = None  # which text, and the tag that ends it
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
