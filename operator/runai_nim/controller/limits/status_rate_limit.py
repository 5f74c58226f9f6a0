"""Rate limit of status writes of one RunaiNimService."""

from dataclasses import dataclass
from typing import Final

BURST: Final = 7
"""Writes that are allowed at once."""
REFILL_SECONDS: Final = 10 / 3
"""Seconds after which a further write is allowed: with the burst, at most ten in ten seconds."""
PROGRESS_SECONDS: Final = 5.0
"""How long a write that reports progress alone waits at first; the next state often makes it superfluous."""
MAX_PROGRESS_SECONDS: Final = 40.0
"""How long such a write waits at most."""


@dataclass(slots=True)
class StatusRateLimit:
    """A token bucket of status writes, and the wait of writes that report progress alone.

    A change of the spec fills the bucket: who changed it waits for an answer. The wait doubles with each write of
    progress and begins anew with a change that does not wait. Times are seconds of any steady clock.
    """

    tokens: float = BURST
    last_refill: float = 0.0
    generation: int = 0
    progress_due: float | None = None
    progress_wait: float = PROGRESS_SECONDS

    def delay(self, now: float, generation: int, *, is_progress: bool = False) -> float:
        """Seconds until a write about that generation of the spec is due; 0 when it is."""
        if generation != self.generation:
            self.tokens, self.generation = BURST, generation
        self.tokens = min(float(BURST), self.tokens + (now - self.last_refill) / REFILL_SECONDS)
        self.last_refill = now
        pause = 0.0 if self.tokens >= 1 else (1 - self.tokens) * REFILL_SECONDS
        if not is_progress:
            return pause
        if self.progress_due is None:
            self.progress_due = now + self.progress_wait
        return max(pause, self.progress_due - now)

    def take(self, *, is_progress: bool = False) -> None:
        """Count a write."""
        self.tokens -= 1
        self.progress_due = None
        self.progress_wait = min(2 * self.progress_wait, MAX_PROGRESS_SECONDS) if is_progress else PROGRESS_SECONDS

    def drop_progress(self) -> None:
        """The stored status is up to date again: nothing waits."""
        self.progress_due = None
