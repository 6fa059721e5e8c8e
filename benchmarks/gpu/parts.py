"""The parts of the run, the most important first; a new part is one line here."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.gpu.counting import measure_counting
from benchmarks.gpu.encoder import measure_encoder
from benchmarks.gpu.marked_tests import measure_tests
from benchmarks.gpu.outcome import Outcome
from benchmarks.gpu.searcher import measure_searcher
from benchmarks.gpu.service import measure_second_service, measure_service
from benchmarks.gpu.setting import Setting


@dataclass(frozen=True)
class Part:
    """Describe a part of the run.

    Attributes:
        name: The name in the file of results.
        measure: A function of a module that runs the part on a GPU or a CPU. It receives the deadline on the clock of
            ``time.monotonic``.
        needs_s: Upper estimate of its seconds on a GPU; with less time left it is not begun.
    """

    name: str
    measure: Callable[[Setting, float], Outcome]
    needs_s: float


PARTS = (
    Part("service", measure_service, 45),
    Part("encoder", measure_encoder, 75),
    Part("counting", measure_counting, 25),
    Part("searcher", measure_searcher, 35),
    Part("tests", measure_tests, 60),
    Part("second_service", measure_second_service, 60),
)
