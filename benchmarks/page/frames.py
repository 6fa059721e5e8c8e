"""The times between frames while a map is dragged in a browser."""

from dataclasses import dataclass

import numpy as np

from benchmarks.browser import Tab

STEPS_OF_A_DRAG = 40
STEP_PX = 6

_BEGIN = """
    window.frames = [];
    (function frame(time) {
      window.frames.push(time);
      window.nextFrame = requestAnimationFrame(frame);
    })(performance.now())
"""
_END = "(cancelAnimationFrame(window.nextFrame), window.frames)"
_MIDDLE = (
    "(({ x, y, width, height }) => [x + width / 2, y + height / 2])"
    "(document.getElementById('plan').getBoundingClientRect())"
)
_NEXT_FRAME = "new Promise((done) => requestAnimationFrame(() => done()))"


@dataclass(frozen=True)
class Frames:
    """Hold the frames of some drags.

    Attributes:
        intervals_ms: The intervals between consecutive frames.
    """

    intervals_ms: tuple[float, ...]

    @property
    def per_s(self) -> float:
        """Return the mean number of frames per second."""
        return 1000 / float(np.mean(self.intervals_ms))

    def quantile_ms(self, share: float) -> float:
        """Return the interval that a share of all intervals does not exceed."""
        return float(np.quantile(self.intervals_ms, share))


def drag(tab: Tab, drags: int, steps: int = STEPS_OF_A_DRAG) -> Frames:
    """Drag the map of the page to and fro.

    Args:
        tab: The tab with the page and its map.
        drags: The number of drags; each waits until the pictures of the new view are there.
        steps: The number of steps of each drag, one per frame.
    """
    intervals: list[float] = []
    x, y = tab.run(_MIDDLE)
    for number in range(drags):
        across = STEP_PX if number % 2 == 0 else -STEP_PX
        along = STEP_PX if number % 4 < 2 else -STEP_PX
        at_x, at_y = x - across * steps / 2, y - along * steps / 4
        _mouse(tab, "mousePressed", at_x, at_y)
        tab.run(_BEGIN)
        for _ in range(steps):
            at_x, at_y = at_x + across, at_y + along / 2
            _mouse(tab, "mouseMoved", at_x, at_y)
            tab.run(_NEXT_FRAME)
        times = tab.run(_END)
        _mouse(tab, "mouseReleased", at_x, at_y)
        intervals += np.diff(times).tolist()
        tab.run("new Promise((done) => setTimeout(done, 600))")
    return Frames(tuple(intervals))


def _mouse(tab: Tab, kind: str, x: float, y: float) -> None:
    tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
