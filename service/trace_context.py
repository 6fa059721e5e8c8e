"""The trace that a request belongs to, as the W3C's Trace Context says it: https://www.w3.org/TR/trace-context/."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

TRACE_HEADER = "traceparent"
TRACE_ANSWER_HEADER = "traceresponse"

# A later version may have more behind the flags, which is passed over.
_HEADER = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace_id>(?!0{32})[0-9a-f]{32})-(?P<parent_id>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}"
    r"(?P<more>-.*)?"
)


@dataclass(frozen=True)
class TraceContext:
    """One request's place in a trace.

    Attributes:
        trace_id: Of the whole trace: 32 hexadecimal digits.
        parent_id: Of the span of the client that asks: 16 hexadecimal digits.
        span_id: Of this request, likewise.
    """

    trace_id: str
    parent_id: str
    span_id: str

    @property
    def answer(self) -> str:
        """The value of ``traceresponse``: no span is recorded but in the log, so the flag that says so is not set."""
        return f"00-{self.trace_id}-{self.span_id}-00"


def read_trace_context(values: Sequence[str]) -> TraceContext | None:
    """Read the header ``traceparent`` of a request.

    Args:
        values: Of all headers of that name.

    Returns:
        None without exactly one that is valid: by the recommendation a request belongs to no trace then.
    """
    found = _HEADER.fullmatch(values[0].strip()) if len(values) == 1 else None
    if found is None or (found["version"] == "00" and found["more"] is not None):
        return None
    return TraceContext(found["trace_id"], found["parent_id"], secrets.token_hex(8))
