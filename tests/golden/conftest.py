"""`pytest tests/golden/test_golden.py --update-golden` rewrites what cases expect; read the difference afterwards."""

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite expected.yaml of every golden case")


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    # The option is only known when pytest was started on this folder or file.
    wanted = bool(request.config.getoption("--update-golden", default=False))
    if wanted and os.environ.get("CI"):
        pytest.exit("--update-golden is refused when CI is set: expectations are changed by people", returncode=1)
    return wanted
