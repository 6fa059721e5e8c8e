"""How requests wait for the device, and are put together."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Batching:
    """How requests wait and are put together.

    Attributes:
        queue_size: Requests that may wait, those included whose picture is being decoded.
        max_batch_size: Requests that are encoded together.
        delay_s: Seconds that a busy worker waits for a batch to become full; an idle one never waits.
        stuck_after_s: Seconds without any progress after which the worker is given up.
        probe_interval_s: Seconds of idleness after which the device is tried; 0 never tries it.
    """

    queue_size: int
    max_batch_size: int
    delay_s: float
    stuck_after_s: float
    probe_interval_s: float
