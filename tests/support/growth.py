"""How the cost of something grows with its size: CPU time of this process, of two sizes, in one run."""

import gc
import time
from collections.abc import Callable
from typing import Any

TIMES = 8
"""How much larger the larger one is."""
LINEAR = 2.0 * TIMES
"""What is linear grows by about TIMES, what is quadratic by its square, 64: between them there is room for noise."""
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
