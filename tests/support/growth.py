"""How CPU time grows with the size of the input: compares two sizes in one run."""

import gc
import time
from collections.abc import Callable
from typing import Any

TIMES = 8
"""Ratio of the two sizes."""
LINEAR = 2.0 * TIMES
"""Limit between linear growth, about TIMES, and quadratic growth, 64, with room for noise."""
_TRIES = 4


def growth(work: Callable[[Any], object], make: Callable[[int], Any], size: int) -> float:
    """How many times more CPU time `work` takes for `made(TIMES * size)` than for `made(size)`."""
    small, large = (min(_seconds(work, make(chosen)) for _ in range(_TRIES)) for chosen in (size, TIMES * size))
    return large / small


def _seconds(work: Callable[[Any], object], value: Any) -> float:
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        work(value)
        return time.process_time() - began
    finally:
        gc.enable()
