"""Write structured logs: one line for each event, as JSON for machines or in colours for people.

The content of requests is never logged: no names of files, no EXIF, no query strings.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

from service.settings import LogFormat


def configure_logging(log_format: LogFormat = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line of the process, uvicorn's too, through one formatter.

    Args:
        log_format: ``auto`` is ``console`` on a terminal and ``json`` otherwise.
        level: The least level to log.
        stream: The stream; standard error by default.
    """
    stream = sys.stderr if stream is None else stream
    is_json = log_format == "json" or (log_format == "auto" and not stream.isatty())
    shared: list[Processor] = [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level]
    renderers: list[Processor]
    if is_json:
        shared += [structlog.stdlib.add_logger_name, structlog.processors.TimeStamper(fmt="iso", utc=True)]
        # The default shows variables, too: the content of requests.
        traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        renderers = [structlog.processors.ExceptionRenderer(traceback), structlog.processors.JSONRenderer()]
    else:
        shared += [structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)]
        renderers = [
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty(),
                pad_event_to=0,
                pad_level=False,
                exception_formatter=structlog.dev.plain_traceback,  # without variables, as above
            )
        ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(allow=())],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    # Uvicorn tells each step of starting and stopping beside our own lines, Pillow every chunk of a picture, faiss
    # every build of itself that is absent, the parser of forms each unexpected byte of a broken form, and the client of
    # shards and tiles each request.
    logging.getLogger("uvicorn.error").setLevel(max(root.level, logging.WARNING))
    logging.getLogger("PIL").setLevel(logging.INFO)
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
