"""The plot of a run as SVG: each target with its result, and the growth of memory and restarts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.figures import Figures

WIDTH: Final = 860
_TOP = 64
_ROW = 26
_LEFT = 300
_UNIT = 320
_GOOD = "#2a7f62"
_BAD = "#c0392b"
_AXIS = "#888"
_TEXT = "#222"
_FONT = 'font-family="sans-serif" font-size="13"'


@dataclass(frozen=True, slots=True)
class Aim:
    """A target: a maximum or a minimum."""

    label: str
    figure: str
    aim: float
    unit: str = ""
    at_least: bool = False

    def reached(self, value: float) -> float:
        """Share of what is allowed that is used up: above 1 the aim is missed."""
        return self.aim / value if self.at_least else value / self.aim


AIMS: Final = (
    Aim("throughput, ratio to the bare client", "throughput_ratio", 0.9, at_least=True),
    Aim("latency, idle, p99", "latency_idle_p99_ms", 50, " ms"),
    Aim("status writes for each, until Running", "status_writes_per_cr", 3),
    Aim("Events for each, until Running", "events_per_cr", 2),
    Aim("restart over 5,000", "restart_5000_s", 5, " s"),
    Aim("memory at 5,000", "rss_5000_mib", 170, " MiB"),
    Aim("CPU for each, of 1,000", "cpu_ms_per_cr", 3, " ms"),
    Aim("CPU for each, beyond 1,000", "cpu_ms_per_cr_5000", 3, " ms"),
    Aim("wait behind 5,000 broken ones", "fairness_delay_ms", 1000, " ms"),
    Aim("REST API adds, p50", "rest_added_p50_ms", 3, " ms"),
    Aim("REST API adds, p99", "rest_added_p99_ms", 15, " ms"),
    Aim("REST page of 50 among 5,000, to LIST", "rest_list_ratio", 3),
)


def plot(figures: Figures) -> str:
    """The SVG. Targets without a figure are omitted."""
    shown = [(aim, figures[aim.figure]) for aim in AIMS if aim.figure in figures]
    below = _TOP + len(shown) * _ROW + 60
    height = below + 220
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {_FONT} fill="{_TEXT}">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        '<text x="20" y="24" font-size="16">Benchmarks, taken on a shared machine of 2 cores</text>',
        '<text x="20" y="44">the bar is what was used up of what the aim allows</text>',
        *_bars(shown),
        *_curve("resident memory, MiB", _by_size(figures, "rss_", "_mib"), 60, below),
        *_curve("restart until all is observed, s", _by_size(figures, "restart_", "_s"), 480, below),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bars(shown: Sequence[tuple[Aim, float]]) -> Iterator[str]:
    for row, (aim, value) in enumerate(shown):
        y = _TOP + row * _ROW
        share = aim.reached(value)
        width = min(share, 1.5) * _UNIT
        sign = "≥" if aim.at_least else "≤"
        yield f'<text x="{_LEFT - 10}" y="{y + 15}" text-anchor="end">{aim.label}</text>'
        yield f'<rect x="{_LEFT}" y="{y + 3}" width="{width:.0f}" height="16" fill="{_GOOD if share <= 1 else _BAD}"/>'
        at = _LEFT + max(width, _UNIT) + 8
        yield f'<text x="{at:.0f}" y="{y + 15}">{value:g}{aim.unit} (aim {sign} {aim.aim:g}{aim.unit})</text>'
    bottom = _TOP + len(shown) * _ROW
    yield f'<path d="M{_LEFT + _UNIT} {_TOP}V{bottom}" stroke="{_AXIS}" stroke-dasharray="4 3"/>'


def _by_size(figures: Figures, prefix: str, suffix: str) -> list[tuple[int, float]]:
    """Figures whose names have a number between the two, by that number."""
    middles = ((name.removeprefix(prefix).removesuffix(suffix), name) for name in figures if name.startswith(prefix))
    return sorted((int(size), figures[name]) for size, name in middles if size.isdigit())


def _curve(title: str, points: Sequence[tuple[int, float]], x: int, y: int) -> Iterator[str]:
    """A curve over the number of RunaiNimServices, its axes beginning at 0."""
    if not points:
        return
    width, height = 300, 150
    largest, highest = max(size for size, _ in points) or 1, max(value for _, value in points) or 1.0
    places = [
        (x + size / largest * width, y + height - value / highest * height, size, value) for size, value in points
    ]
    yield f'<text x="{x}" y="{y - 14}">{title}</text>'
    yield f'<path d="M{x} {y}V{y + height}H{x + width}" stroke="{_AXIS}" fill="none"/>'
    line = " ".join(f"{left:.0f},{top:.0f}" for left, top, _, _ in places)
    yield f'<polyline points="{line}" stroke="{_GOOD}" stroke-width="2" fill="none"/>'
    for left, top, size, value in places:
        yield f'<circle cx="{left:.0f}" cy="{top:.0f}" r="3" fill="{_GOOD}"/>'
        yield f'<text x="{left + 6:.0f}" y="{top + 14:.0f}">{value:g}</text>'
        yield f'<text x="{left:.0f}" y="{y + height + 18}" text-anchor="middle">{size:,}</text>'
