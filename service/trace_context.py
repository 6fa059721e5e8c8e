"""Read the trace that a request belongs to, by W3C's Trace Context: https://www.w3.org/TR/trace-context/."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

TRACE_HEADER = "traceparent"
TRACE_ANSWER_HEADER = "traceresponse"

# A later version may have more after the flags, which is ignored.
_HEADER = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace_id>(?!0{32})[0-9a-f]{32})-(?P<parent_id>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}"
    r"(?P<more>-.*)?"
)


@dataclass(frozen=True)
class TraceContext:
    """Hold one request's place in a trace.

    Attributes:
        trace_id: The id of the whole trace: 32 hexadecimal digits.
        parent_id: The id of the span of the client that asks: 16 hexadecimal digits.
        span_id: The id of the span of this request: 16 hexadecimal digits.
    """

    trace_id: str
    parent_id: str
    span_id: str

    @property
    def answer(self) -> str:
        """Return ``traceresponse``: only the log records the span, so the flag of a recorded span is not set."""
        return f"00-{self.trace_id}-{self.span_id}-00"


def read_trace_context(values: Sequence[str]) -> TraceContext | None:
    """Read the header ``traceparent`` of a request.

    Args:
        values: The values of all headers of that name.

    Returns:
        The trace; None without exactly one valid header: by the recommendation a request belongs to no trace then.
    """
    found = _HEADER.fullmatch(values[0].strip()) if len(values) == 1 else None
    if found is None or (found["version"] == "00" and found["more"] is not None):
        return None
    return TraceContext(found["trace_id"], found["parent_id"], secrets.token_hex(8))
