"""How often the status of one RunaiNimService may be written: a few times at once, then steadily. Counts, no I/O."""

from dataclasses import dataclass
from typing import Final

BURST: Final = 5
"""A service that starts at once writes its status about so often within a second."""
SECONDS: Final = 2.0
"""A pod that flaps costs a write in so many seconds: with the burst, at most ten in ten seconds."""


@dataclass(slots=True)
class Pace:
    """A bucket of writes that fills again with time. Times are seconds of any steady clock."""

    left: float = BURST
    last: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a write is due; 0 when it is."""
        self.left = min(float(BURST), self.left + (now - self.last) / SECONDS)
        self.last = now
        return 0.0 if self.left >= 1 else (1 - self.left) * SECONDS

    def written(self) -> None:
        """Count a write."""
        self.left -= 1
