"""The search for the file behind a page of Google Drive.

For a large file, Drive answers ``uc?id=ID`` with a page for people, which says that the file was not searched for
viruses. The page has a form, ``#download-form``; its hidden fields, sent as a query to its action, get the file. A
direct answer with the file has a header ``Content-Disposition``. If too many people fetch a file, the page says so
instead.
"""

import httpx

from model.http_answers import check_status, page_of
from model.weights_errors import DownloadFailed

_FORM = "download-form"


def locate_on_google_drive(client: httpx.Client, url: str) -> str:
    """Return the address of a file's bytes.

    The address expires: call this before each attempt. The client keeps the cookies of the page.

    Args:
        client: A client that follows redirects.
        url: ``https://drive.google.com/uc?id=ID``.

    Raises:
        DownloadFailed: Drive refuses, or shows a page without the form; the message quotes the page.
        Interrupted: The server has a temporary error.
        httpx.TransportError: The connection broke.
        httpx.DecodingError: The page is damaged.
    """
    with client.stream("GET", url) as response:
        check_status(response, url)
        if "Content-Disposition" in response.headers:
            return url
        page = page_of(response)
        address = response.url
    if page.refusal:
        raise DownloadFailed(f"{url}: Google Drive does not give the file now, and says: {page.words}")
    form = page.forms.get(_FORM)
    if form is None or not form.action:
        says = f", which says: {page.words}" if page.words else ""
        raise DownloadFailed(f"{url}: Google Drive answered with a page without a form to download by{says}")
    return str(address.join(form.action).copy_merge_params(dict(form.hidden)))
