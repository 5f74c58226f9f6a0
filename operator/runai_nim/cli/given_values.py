"""Checks of values that are given to commands on a cluster, before anything is asked of it."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from runai_nim.cli.diagnostic import CommandError


def checked_namespace(namespace: str | None) -> str | None:
    """The namespace, which may be left out. Raises CommandError for what can't be one."""
    from runai_nim.api.syntax import is_dns_label  # loads a parser of YAML

    if namespace and not is_dns_label(namespace):
        must = "be the name of a namespace: lower case letters, digits and inner -"
        raise CommandError(f'--namespace is "{namespace}" but must {must}')
    return namespace


def checked_name(name: str) -> str:
    """The name of a RunaiNimService. Raises CommandError for an empty one, with which the API server lists all."""
    if not name:
        raise CommandError('NAME is "" but must be the name of a RunaiNimService: runai-nim list shows all')
    return name


def checked_names(names: Sequence[str]) -> Sequence[str]:
    """The same for several names."""
    return [checked_name(name) for name in names]


def not_empty(option: str, must: str) -> Callable[[Any], Any]:
    """Checks an option that may be left out, but not be empty, as from a shell's variable that is not set.

    Its value is a text, several, or None. Raises CommandError for an empty text.
    """

    def check(given: str | Sequence[str] | None) -> str | Sequence[str] | None:
        if given is not None and "" in ([given] if isinstance(given, str) else given):
            raise CommandError(f'{option} is "" but must be {must}: give one, or remove it')
        return given

    return check


def whole_number(option: str, least: int, most: int) -> Callable[[str], int]:
    """Reads the value of an option or argument. Raises CommandError for anything but a number in this range."""

    def read(text: str) -> int:
        if re.fullmatch("[0-9]{1,10}", text, re.ASCII) and least <= int(text) <= most:
            return int(text)
        raise CommandError(f'{option} is "{text}" but must be a whole number from {least} to {most}')

    return read


def seconds(timeout: str) -> float:
    """A duration such as `90s`, `10m` or `1h`. Raises CommandError for another value."""
    found = re.fullmatch("([0-9]{1,6})([smh])", timeout, re.ASCII)
    if found is None:
        raise CommandError(f'--timeout is "{timeout}" but must be a number with a unit, such as 90s, 10m or 1h')
    return int(found[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[found[2]]
