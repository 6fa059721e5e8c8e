"""Pages that come in place of files."""

from model.web_page import Form, read_web_page
from tests.model.publishers import QUOTA, quota_page


def test_what_a_page_has_is_read() -> None:
    page = read_web_page(
        "<html><head><title> One &amp;\n two </title></head><body>"
        '<form id=first action="/go?a=1&amp;b=2"><INPUT TYPE=HIDDEN NAME=x VALUE="1&lt;2"><input name=seen value=3>'
        '<div><input type="hidden" name="y"/></div></form><input type=hidden name=outside value=4>'
        "<form action=/unnamed><input type=hidden name=z value=5></form></body></html>"
    )
    assert page.title == "One & two"
    assert page.words == "One & two"
    assert page.refusal == ""
    assert page.forms == {"first": Form("/go?a=1&b=2", {"x": "1<2", "y": ""})}


def test_a_refusal_is_read_with_the_markup_in_it_and_preferred_to_the_title() -> None:
    page = read_web_page(quota_page().body.decode())
    assert page.refusal == QUOTA
    assert page.words == QUOTA
    assert page.title == "Google Drive - Quota exceeded"


def test_what_is_quoted_has_an_end() -> None:
    assert len(read_web_page(f"<title>{'long ' * 1000}</title>").words) == 300


def test_broken_markup_is_read_as_far_as_it_goes() -> None:
    assert read_web_page("").words == ""
    assert read_web_page("\0<<<>&#xZ;<title>a<form id=f action").title.startswith("a")
    assert read_web_page("<form id=f action=/x><input type=hidden").forms == {"f": Form("/x", {})}
