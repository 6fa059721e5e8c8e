"""What Python's garbage collector need not look at."""

import gc


def set_apart_what_stays() -> None:
    """Keeps Python's garbage collector from looking at all that was loaded, which stays, again and again.

    The libraries alone are a quarter of a million objects, to which the places of a map come; to go through the
    libraries stops every thread for a tenth of a second. What is set apart goes like everything else once nobody holds
    it; only cycles stay.
    """
    gc.collect()
    gc.freeze()
