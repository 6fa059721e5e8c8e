"""Keep Python's garbage collector away from lasting objects."""

import gc


def freeze_gc() -> None:
    """Exclude all present objects from Python's garbage collector.

    The libraries alone have a quarter of a million objects, and the places of a map add to them; a pass over the
    libraries stops every thread for a tenth of a second. A frozen object is still freed once nobody refers to it; only
    cycles stay.
    """
    gc.collect()
    gc.freeze()
