"""Logging in the process of the tests."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


def log_through_logging() -> None:
    """Give lines to the standard library, which pytest captures; for where nothing else is configured.

    By default structlog prints to ``sys.stdout``. Pytest replaces that between tests, and a thread of a server that
    prints meanwhile can crash Python. By default it also prints the variables of a traceback; on a busy core, tensors
    among them hold up the server for a minute.
    """
    structlog.reset_defaults()
    *others, renderer = structlog.get_config()["processors"]
    assert isinstance(renderer, structlog.dev.ConsoleRenderer)
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*others, plain], logger_factory=structlog.stdlib.LoggerFactory())


@contextmanager
def logging_restored() -> Iterator[None]:
    """Undo the configuration of the block: a command writes its log to a stream that the test closes."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level
        log_through_logging()
