"""Find the file behind a page of Google Drive.

Before a large file Drive answers ``uc?id=ID`` with a page for people, which says that the file was not searched for
viruses. The page has a form, ``#download-form``; its hidden fields, sent to its action as a query, get the file. A file
that comes at once has a header ``Content-Disposition``. Where too many people fetch a file, the page says so instead.
"""

import httpx

from model.http_answers import check_status, page_of
from model.weights_errors import DownloadFailed

_FORM = "download-form"


def locate_on_google_drive(client: httpx.Client, url: str) -> str:
    """Return the address of a file's bytes.

    It is good for a while only: ask anew before each attempt. The cookies that come with the page stay in the client.

    Args:
        client: Follows redirects.
        url: ``https://drive.google.com/uc?id=ID``.

    Raises:
        DownloadFailed: Drive refuses, in the words that it gives, or shows a page without the form.
        Interrupted: The server has an error of the moment.
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
