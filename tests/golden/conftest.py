"""`pytest tests/golden/test_golden.py --update-golden` rewrites what is expected; read the difference afterwards."""

import pytest

from tests.expectations import rewritten


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite expected.yaml and findings")


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    return rewritten(request, "--update-golden")
