"""`pytest tests/golden/test_golden.py --update-golden` rewrites what is expected; read the difference afterwards."""

import pytest

from tests.support.snapshots import update_requested


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite expected.yaml and findings")


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    return update_requested(request, "--update-golden")
