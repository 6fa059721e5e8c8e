"""Keep Python's garbage collector away from what stays."""

import gc


def freeze_gc() -> None:
    """Take all objects that there are out of the sight of Python's garbage collector.

    The libraries alone are a quarter of a million objects, to which the places of a map come; going through the
    libraries stops every thread for a tenth of a second. An object that is frozen is freed like any other once nobody
    holds it; only cycles stay.
    """
    gc.collect()
    gc.freeze()
