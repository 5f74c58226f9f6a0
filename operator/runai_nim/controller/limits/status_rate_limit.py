"""Rate limit of status writes of one RunaiNimService."""

from dataclasses import dataclass
from typing import Final

BURST: Final = 7
"""Maximum burst of writes."""
REFILL_SECONDS: Final = 10 / 3
"""Seconds per write after the burst: at most ten writes in the first ten seconds."""
PROGRESS_SECONDS: Final = 4.0
"""Initial delay of a write that only reports progress; the next state often supersedes it."""
MAX_PROGRESS_SECONDS: Final = 32.0
"""Maximum delay of such a write."""


@dataclass(slots=True)
class StatusRateLimit:
    """A token bucket of status writes, and the delay of writes that only report progress.

    A change of the spec refills the bucket. The delay doubles with each write of progress and is reset by a write that
    is not delayed. Times are seconds of a monotonic clock.
    """

    tokens: float = BURST
    last_refill: float = 0.0
    generation: int = 0
    progress_due: float | None = None
    progress_wait: float = PROGRESS_SECONDS

    def delay(self, now: float, generation: int, *, is_progress: bool = False) -> float:
        """Seconds until a write for that generation of the spec is allowed; 0 if it is allowed now."""
        if generation != self.generation:
            self.tokens = BURST
            self.generation = generation
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
