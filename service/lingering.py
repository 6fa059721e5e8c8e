"""Close a connection so that its client can read the answer, although it is still sending."""

import asyncio
from collections.abc import Callable
from typing import Any

_LONGEST_S = 30.0
_LONGEST_PAUSE_S = 5.0


class LingeringTransport:
    """Wrap a transport that is closed while its client still sends: it ends its own side, and listens for a while.

    A system that closes a connection with unread bytes resets it, and the client loses the answer. So later bytes are
    discarded until the client has closed, pauses, or has had its time.

    Attributes:
        is_lingering: Whether this side has ended.
    """

    def __init__(self, transport: asyncio.Transport, should_linger: Callable[[], bool]) -> None:
        """Wrap a transport.

        Args:
            transport: The transport.
            should_linger: A function that tells, when the connection is closed, whether the client has yet to read an
                answer.
        """
        self.is_lingering = False
        self._transport = transport
        self._should_linger = should_linger
        self._end: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the transport."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Return whether nothing can be written any more."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Close, at once or after lingering; if it lingers already, at once."""
        if not self.is_closing() and self._should_linger():
            self.linger()
            return
        for timer in (self._end, self._pause):
            if timer is not None:
                timer.cancel()
        self._transport.close()

    def linger(self) -> None:
        """End this side, and close once the client has closed or had enough time."""
        self.is_lingering = True
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._end = asyncio.get_running_loop().call_later(_LONGEST_S, self.close)
        self.heard()

    def heard(self) -> None:
        """Note bytes that came while it lingers."""
        if self._pause is not None:
            self._pause.cancel()
        self._pause = asyncio.get_running_loop().call_later(_LONGEST_PAUSE_S, self.close)
