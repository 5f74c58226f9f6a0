"""How often the status of one RunaiNimService may be written: a few times at once, then steadily. Counts, no I/O."""

from dataclasses import dataclass
from typing import Final

BURST: Final = 7
"""A service that starts at once writes its status up to so often within a second."""
REFILL_SECONDS: Final = 10 / 3
"""A pod that flaps costs a write in so many seconds: with the burst, at most ten in ten seconds."""


@dataclass(slots=True)
class TokenBucket:
    """A bucket of writes that fills again with time, and at once for a new spec: who changed it waits for an answer.

    Times are seconds of any steady clock.
    """

    tokens: float = BURST
    last_refill: float = 0.0
    generation: int = 0

    def delay(self, now: float, generation: int) -> float:
        """Seconds until a write about that generation of the spec is due; 0 when it is."""
        if generation != self.generation:
            self.tokens, self.generation = BURST, generation
        self.tokens = min(float(BURST), self.tokens + (now - self.last_refill) / REFILL_SECONDS)
        self.last_refill = now
        return 0.0 if self.tokens >= 1 else (1 - self.tokens) * REFILL_SECONDS

    def take(self) -> None:
        """Count a write."""
        self.tokens -= 1
