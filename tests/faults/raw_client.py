"""Sends bytes to a server as they are, and reads one answer."""

import socket
from collections.abc import Sequence
from http.client import HTTPException, HTTPResponse

from tests.faults.upload_answers import Answer

PATIENCE_S = 60


def ask_raw(port: int, pieces: Sequence[bytes]) -> Answer | None:
    """Send pieces one after the other.

    Returns:
        None where the server closed the connection instead of answering.

    Raises:
        TimeoutError: It did neither.
        HTTPException: The answer is not HTTP.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough, and may have said why
        response = HTTPResponse(connection, method="POST")
        try:
            response.begin()
            body = response.read()
        except ConnectionError:
            return None
        finally:
            response.close()
    if response.length:
        raise HTTPException(f"{response.length} bytes of the answer are missing")
    return Answer(response.status, response.getheader("Content-Type", ""), body)
