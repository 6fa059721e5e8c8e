"""What the tests' own process does with log lines."""

import structlog


def log_through_logging() -> None:
    """Give lines to the standard library, which pytest captures; for where nothing else is configured.

    By default structlog prints to ``sys.stdout``. Pytest replaces that between tests, and a thread of a server that
    prints meanwhile can crash Python.
    """
    structlog.reset_defaults()
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
