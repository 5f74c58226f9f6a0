"""Expected files that an option of pytest rewrites instead of comparing them."""

import os

import pytest


def update_requested(request: pytest.FixtureRequest, option: str) -> bool:
    """Whether the option was given; it is rejected if CI is set."""
    # The option is only known when pytest was started on the folder or file that has it.
    wanted = bool(request.config.getoption(option, default=False))
    if wanted and os.environ.get("CI"):
        pytest.exit(f"{option} is refused when CI is set: expectations are changed by people", returncode=1)
    return wanted
