"""`python -m tests.faults.clock`: the operator with a wall clock that jumps an hour ahead at SIGUSR1, back at SIGUSR2.

Everything of it that reads the wall clock is given the jumping one; steady clocks go on as they do.
"""

import datetime
import signal
import sys
import time

from runai_nim import __main__
from runai_nim.controller import reconciler, status_reporter
from runai_nim.kube import events

_HOUR = 3600.0
_real_time = time.time
_ahead = 0.0


class JumpingDatetime(datetime.datetime):
    """The clock of `datetime`."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "JumpingDatetime":
        """Now, or so it says."""
        return cls.fromtimestamp(time.time(), tz)


def _jump(seconds: float) -> None:
    global _ahead
    _ahead += seconds


def main() -> int:
    """Run the operator with it."""
    time.time = lambda: _real_time() + _ahead
    for module in (events, reconciler, status_reporter):
        module.datetime = JumpingDatetime  # type: ignore[attr-defined]
    signal.signal(signal.SIGUSR1, lambda *_: _jump(_HOUR))
    signal.signal(signal.SIGUSR2, lambda *_: _jump(-_HOUR))
    return __main__.main()


if __name__ == "__main__":
    sys.exit(main())
