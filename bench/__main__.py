"""`python -m bench`: runs all benchmarks, each on a new cluster, and writes build/bench.json.

Absolute figures were taken on whatever machine this ran on, shared with the control plane itself; docs/benchmarks.md
says what each means and which of them can be compared.
"""

import argparse
import json
import time
from collections.abc import Callable
from compileall import compile_dir

from bench import command_line, fairness, idle, life, listing, policies, rest, scale, throughput
from bench.compare import RESULT, with_ratios
from bench.figures import Figures
from bench.plot import plot
from bench.translation import policy_us, translate_us
from local.cluster import CHECKOUT

PLOT = CHECKOUT / "docs" / "benchmarks.svg"
SIZES = (1000, 5000)
FULL_SIZES = (1000, 5000, 10000, 20000)
REST_CALLS, FULL_REST_CALLS = 5000, 50000
IDLE = 100
LIFE = 100
BURST = 1000
BROKEN = 5000
OTHERS = 40
BOUND = 5000
LISTED = 5000


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("--full", action="store_true", help=f"up to {FULL_SIZES[-1]} RunaiNimServices")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="make only so much of everything, to see whether it runs; no plot"
    )
    parser.add_argument("--only", nargs="*", metavar="NAME", help="these alone, beside the figures that are there")
    return parser.parse_args()


def benchmarks(full: bool, share: float) -> dict[str, Callable[[], Figures]]:
    """Each by its name."""

    def of(number: int) -> int:
        return max(8, round(number * share))

    return {
        "translation": lambda: {"translate_us": translate_us(), "policy_us": policy_us()},
        "idle": lambda: idle.measure(of(IDLE)),
        "life": lambda: life.measure(of(LIFE)),
        "throughput": lambda: throughput.measure(of(BURST)),
        "scale": lambda: scale.measure(FULL_SIZES if full else SIZES, share),
        "fairness": lambda: fairness.measure(of(BROKEN), of(OTHERS)),
        "policies": lambda: policies.measure(of(BOUND), of(OTHERS)),
        "listing": lambda: listing.measure(of(LISTED)),
        "command-line": lambda: command_line.measure(of(LISTED)),
        "rest": lambda: rest.measure(FULL_REST_CALLS if full else of(REST_CALLS)),
    }


def main() -> None:
    """Measure, print, and write build/bench.json and the plot of it."""
    given = arguments()
    wanted = benchmarks(given.full, given.scale)
    compile_dir(CHECKOUT / "operator", quiet=1)  # as it is in the image
    figures: Figures = json.loads(RESULT.read_text(encoding="utf-8")) if given.only and RESULT.exists() else {}
    for name in given.only or wanted:
        began = time.monotonic()
        found = wanted[name]()
        print(f"{name}, {time.monotonic() - began:.0f} s\n{json.dumps(found, indent=2)}", flush=True)
        figures = with_ratios(figures | found)
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if given.scale == 1.0:
        PLOT.write_text(plot(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
