"""GitHub and Google Drive on this machine, as a download sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from tests.model.file_server import Answer, FileServer

HTML = {"Content-Type": "text/html; charset=utf-8"}
RELEASE = "/gogojjh/SelaVPR/releases/download/v1.0.0/"
QUOTA = "Too many users have viewed or downloaded this file recently. Please try accessing the file again later."


def page(title: str, body: str, status: int = 200) -> Answer:
    html = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>"
    return Answer(status, HTML, html.encode())


def quota_page(status: int = 200) -> Answer:
    """Make a page in Drive's words: markup inside the sentence, and line breaks."""
    return page(
        "Google Drive - Quota exceeded",
        '<p class="uc-error-caption">Sorry, you can&#39;t view or download this file at this time.</p>\n'
        '<p class="uc-error-subcaption">Too many users have viewed or downloaded\n this file recently. '
        "<b>Please try</b> accessing the file again later.</p><hr>",
        status,
    )


def release_route(path: str, _headers: Mapping[str, str]) -> Answer | None:
    """Answer like GitHub: a release redirects to the bytes, twice."""
    if path.startswith(RELEASE):
        return Answer(302, {"Location": f"/moved/{path.removeprefix(RELEASE)}"})
    if path.startswith("/moved/"):
        return Answer(302, {"Location": f"/assets/{path.removeprefix('/moved/')}?signature=abc"})
    return None if path.startswith("/assets/") else page("Page not found", "<h1>404</h1>", 404)


@dataclass
class Drive:
    """Answer like Google Drive: a page before the file, whose complete form must be sent with the cookie of the page.

    Attributes:
        server: The server of the file behind the page.
        file_id: The id of the only file.
        visits: The number of times that the page was shown; each time it has another ``uuid``, and the old one is
            invalid.
    """

    server: FileServer
    file_id: str
    visits: int = 0

    def __call__(self, path: str, headers: Mapping[str, str]) -> Answer | None:
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if query.get("id") != self.file_id:
            return page("Error 404 (Not Found)!!1", "<p>The requested URL was not found.</p>", 404)
        if parts.path == "/uc":
            return self._page()
        sent = {name: query.get(name) for name in self.fields()}
        is_whole = (
            parts.path == "/download" and sent == self.fields() and f"visit={self.visits}" in headers.get("Cookie", "")
        )
        return None if is_whole else page("Google Drive - Virus scan warning", "<p>once more</p>")

    def fields(self) -> dict[str, str]:
        return {
            "id": self.file_id,
            "export": "download",
            "authuser": "0",
            "confirm": "t",
            "uuid": f"9f&{self.visits} é",
            "at": "",
        }

    def _page(self) -> Answer:
        self.visits += 1
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{value.replace("&", "&amp;")}">'
            for name, value in self.fields().items()
        )
        answer = page(
            "Google Drive - Virus scan warning",
            '<form id="search" action="/nowhere"><input type="hidden" name="q" value="no"></form>'
            '<p class="uc-warning-subcaption">SelaVPR_msls.pth (1.4G) is too large for Google to scan for viruses.</p>'
            f'<form id="download-form" action="{self.server.address}/download?tag=1&amp;id=0" method="get">'
            f'<input type="submit" id="uc-download-link" value="Download anyway"/>{inputs}</form>',
        )
        return Answer(answer.status, {**answer.headers, "Set-Cookie": f"visit={self.visits}; Path=/"}, answer.body)
