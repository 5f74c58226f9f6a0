"""Fixtures of the end-to-end scenarios: everything that takes its time begins at once, and each test waits for its own.

`make e2e` runs them. At the end there is a table of all scenarios with their seconds.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.cluster import Client, Cluster, Installed
from tests.e2e.installations import Installation
from tests.e2e.models import Case, Model

NOTE = "note"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "e2e":
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The cluster, with every model and installation begun that a test of this run is about."""
    try:
        installed = Installed.of(os.environ)
    except KeyError as missing:
        pytest.fail(f"{missing} is not set: `make e2e` runs these tests")
    made = Cluster(installed)
    try:
        for given in _parameters(request.session.items):
            if isinstance(given, Case):
                made.begin(given)
            elif isinstance(given, Installation):
                given.begin(made)
        yield made
    finally:
        made.close()


def _parameters(items: list[pytest.Item]) -> Iterator[Any]:
    """Each value that a test of the run is given, once."""
    known: list[Any] = []
    for item in items:
        for value in item.callspec.params.values() if hasattr(item, "callspec") else ():
            if not any(value is other for other in known):
                known.append(value)
                yield value


@pytest.fixture(scope="session")
def client(cluster: Cluster) -> Client:
    """A pod to ask Services from."""
    started = cluster.start_client()
    started.wait()
    return started


@pytest.fixture
def model(case: Case, cluster: Cluster) -> Model:
    """The model of the test's case."""
    return cluster.model(case)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table: seconds, scenario, and what a test has noted."""
    reports = [report for kind in ("", "passed", "failed", "error") for report in terminalreporter.stats.get(kind, ())]
    seconds: dict[str, float] = {}
    notes: dict[str, list[str]] = {}
    for report in reports:
        name = report.nodeid.rpartition("/")[2]
        seconds[name] = seconds.get(name, 0) + report.duration
        notes[name] = [text for key, text in report.user_properties if key == NOTE]
    terminalreporter.section("scenarios")
    for name, duration in seconds.items():
        terminalreporter.line(f"{duration:7.1f} s  {name}{''.join(f'; {note}' for note in notes[name])}")
