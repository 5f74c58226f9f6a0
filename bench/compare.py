"""Compares two runs; `python -m bench.compare` compares build/bench.json with the reference.

Absolute times depend on the machine and its load. Ratios of two figures of one run, counts and memory depend on the
code.
"""

import json
import sys
from collections.abc import Iterator
from typing import Final

from bench.figures import Figures
from local.cluster import CHECKOUT

RESULT: Final = CHECKOUT / "build" / "bench.json"
REFERENCE: Final = CHECKOUT / "bench" / "reference.json"
TOLERANCE: Final = 0.2
RATIOS: Final = {
    "latency_idle_ratio": ("latency_idle_p50_ms", "latency_bare_ms"),
    "cpu_ratio": ("cpu_ms_per_cr", "cpu_bare_ms_per_cr"),
    "cpu_5000_ratio": ("cpu_ms_per_cr_5000", "cpu_ms_per_cr"),
    "restart_5000_ratio": ("restart_5000_s", "restart_5000_bare_s"),
    "cli_list_5000_ratio": ("cli_list_5000_s", "cli_list_5000_kubectl_s"),
}
"""Ratios of two figures of the same run."""
HIGHER: Final = ("throughput_ratio", "rest_throughput_ratio")
LOWER: Final = (
    *RATIOS,
    *("writes_per_cr", "reads_per_cr", "passes_per_cr", "requests_per_cr_get", "requests_per_cr_patch"),
    *("status_writes_per_cr", "events_per_cr"),
    *("restart_writes", "restart_1000_writes", "restart_5000_writes"),
    *("watches_restarted_quiet", "warnings_quiet"),
    *("rest_list_ratio", "rest_list_sorted_ratio"),
    *("rss_0_mib", "rss_1000_mib", "rss_5000_mib", "rss_kib_per_cr"),
)
"""The compared figures, and whether higher or lower is better."""


def with_ratios(figures: Figures) -> Figures:
    """The figures, and the ratios whose two are among them."""
    made = {
        name: round(figures[one] / figures[other], 3)
        for name, (one, other) in RATIOS.items()
        if one in figures and other in figures
    }
    return figures | made


def worse(figures: Figures, reference: Figures) -> Iterator[str]:
    """A sentence for each figure that is missing, or worse than its reference by more than TOLERANCE."""
    for name in (*HIGHER, *LOWER):
        if name not in reference:
            continue
        least = reference[name] / (1 + TOLERANCE)
        most = reference[name] * (1 + TOLERANCE)
        if name not in figures:
            yield f"{name} is missing, and was {reference[name]}: run make bench"
        elif figures[name] < least if name in HIGHER else figures[name] > most:
            bound = f"at least {least:.4g}" if name in HIGHER else f"at most {most:.4g}"
            yield f"{name} is {figures[name]} but must be {bound}, for it was {reference[name]}"


def main() -> int:
    """Print the figures that are worse; return 1 if there are any, 2 without a run."""
    try:
        figures = json.loads(RESULT.read_text(encoding="utf-8"))
    except FileNotFoundError:
        print("build/bench.json is missing: run make bench", file=sys.stderr)
        return 2
    found = list(worse(figures, json.loads(REFERENCE.read_text(encoding="utf-8"))))
    print("\n".join(found) or "bench-check: no figure is worse than the reference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
