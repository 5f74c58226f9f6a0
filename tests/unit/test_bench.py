import itertools

import pytest

from bench.calls import VERBS
from bench.compare import HIGHER, LOWER, with_ratios, worse
from bench.figures import fit, percentile, spread
from bench.plot import AIMS, plot
from bench.rest import added

REFERENCE = {**dict.fromkeys(HIGHER, 0.9), **dict.fromkeys(LOWER, 10.0)}


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert [percentile(values, percent) for percent in (0, 50, 99, 100)] == [1, 50, 99, 100]
    assert percentile([7.0], 99) == 7
    with pytest.raises(ValueError, match="there are no measurements"):
        percentile([], 50)


def test_spread_names_its_percentiles() -> None:
    assert spread("latency", [1.0, 2.0, 30.456]) == {"latency_p50_ms": 2.0, "latency_p99_ms": 30.46}


def test_a_line_says_how_straight_the_points_are() -> None:
    line = fit([(0, 70.0), (1000, 90.0), (5000, 170.0)])
    assert [line.slope, line.intercept, line.r2] == pytest.approx([0.02, 70, 1])
    assert fit([(0, 1.0), (1, 0.0), (2, 1.0)]).r2 == pytest.approx(0)
    assert fit([(0, 3.0), (1, 3.0)]).r2 == 1


def test_ratios_are_made_of_what_was_measured() -> None:
    figures = {"cpu_ms_per_cr": 3.0, "cpu_bare_ms_per_cr": 1.5, "cpu_ms_per_cr_5000": 3.3}
    assert with_ratios(figures) == {**figures, "cpu_ratio": 2.0, "cpu_5000_ratio": 1.1}


def test_what_is_as_good_or_better_is_not_worse() -> None:
    assert list(worse(REFERENCE, REFERENCE)) == []
    better = {**dict.fromkeys(HIGHER, 5.0), **dict.fromkeys(LOWER, 0.0)}
    assert list(worse(better, REFERENCE)) == []


@pytest.mark.parametrize("name", HIGHER)
def test_too_little_is_worse(name: str) -> None:
    assert list(worse({**REFERENCE, name: 0.75}, REFERENCE)) == []
    assert list(worse({**REFERENCE, name: 0.74}, REFERENCE)) == [
        f"{name} is 0.74 but must be at least 0.75, for it was 0.9"
    ]


@pytest.mark.parametrize("name", LOWER)
def test_too_much_is_worse(name: str) -> None:
    assert list(worse({**REFERENCE, name: 12.0}, REFERENCE)) == []
    assert list(worse({**REFERENCE, name: 12.1}, REFERENCE)) == [
        f"{name} is 12.1 but must be at most 12, for it was 10.0"
    ]


def test_nothing_may_become_something() -> None:
    reference = {"restart_writes": 0.0}
    assert list(worse({"restart_writes": 1.0}, reference)) == [
        "restart_writes is 1.0 but must be at most 0, for it was 0.0"
    ]


def test_a_figure_that_was_not_measured_is_told_of() -> None:
    assert list(worse({}, {"rss_0_mib": 70.0})) == ["rss_0_mib is missing, and was 70.0: run make bench"]
    assert list(worse({}, {})) == []


def test_what_rest_adds_is_the_most_of_the_four_calls() -> None:
    direct = {verb: [2.0, 10.0] for verb in VERBS}
    rest = direct | {"post": [3.0, 12.0], "patch": [6.5, 11.0]}
    found = added(direct, rest)
    assert (found["rest_added_p50_ms"], found["rest_added_p99_ms"]) == (4.5, 2.0)
    assert (found["rest_added_post_p50_ms"], found["rest_added_get_p50_ms"]) == (1.0, 0.0)


def test_the_plot_tells_each_aim_that_was_measured() -> None:
    figures = {aim.figure: aim.aim for aim in AIMS}
    drawn = plot(figures)
    assert all(aim.label in drawn for aim in AIMS)
    missed = plot({**figures, "throughput_ratio": 0.5})
    assert len(missed.split('fill="#c0392b"')) == len(drawn.split('fill="#c0392b"')) + 1
    assert AIMS[0].label not in plot({})


def test_the_plot_has_a_point_for_each_size() -> None:
    sizes = (0, 1000, 5000)
    drawn = plot({f"rss_{size}_mib": 70.0 + size / 100 for size in sizes} | {"rss_kib_per_cr": 10.0})
    assert drawn.count("<circle") == len(sizes)
    places = [line.split('cx="')[1].split('"')[0] for line in drawn.splitlines() if line.startswith("<circle")]
    assert all(int(one) < int(other) for one, other in itertools.pairwise(places))
