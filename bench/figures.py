"""Statistics of measurements: percentiles, and a straight line through points."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Figures = dict[str, float]
"""Figures by name; the end of a name is the unit (`_ms`, `_s`, `_mib`), one without a unit is a ratio or a count."""


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line through points by least squares; `r2` is 1 where all lie on it."""

    slope: float
    intercept: float
    r2: float


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile: the smallest value that so many percent don't exceed. Raises ValueError without values."""
    if not values:
        raise ValueError("there are no measurements")
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def spread(name: str, milliseconds: Sequence[float]) -> Figures:
    """`<name>_p50_ms` and `<name>_p99_ms`."""
    return {f"{name}_p{percent}_ms": round(percentile(milliseconds, percent), 2) for percent in (50, 99)}


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """The line through (x, y). Raises statistics.StatisticsError for fewer than two points, or one x only."""
    x, y = [point[0] for point in points], [point[1] for point in points]
    slope, intercept = statistics.linear_regression(x, y)
    r2 = 1.0 if len(set(y)) == 1 else statistics.correlation(x, y) ** 2
    return Line(slope, intercept, r2)
