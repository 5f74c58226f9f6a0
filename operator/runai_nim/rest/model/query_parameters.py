"""Reads the parameters of a URL's query; what is wrong with one becomes an issue."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from runai_nim.domain.validate import Rule, truncate
from runai_nim.rest.model.compliance import Issue

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500
MAX_OFFSET: Final = 2**31 - 1
SORT_ORDERS: Final = ("asc", "desc")
_BOOLEANS: Final = {"true": True, "false": False}
_WHOLE: Final = re.compile(r"[0-9]{1,10}", re.ASCII)


class QueryParameters:
    """The parameters, and the `issues` of those that were read. `known`: the names that the call has; None for any.

    A parameter that is given several times is an issue, but for the one named `repeated`.
    """

    def __init__(
        self, parameters: Sequence[tuple[str, str]], known: Collection[str] | None = None, *, repeated: str = ""
    ) -> None:
        self.issues: list[Issue] = []
        self._parameters = parameters
        if known is not None:
            self._check_names(known)
        self._given = {name: text for name, text in parameters if known is None or name in known}
        times = Counter(name for name, _ in parameters if name != repeated)
        self._repeated = {name for name, number in times.items() if number > 1}

    def text(self, name: str) -> str:
        """A parameter as it is; empty without one."""
        return self._one(name) or ""

    def texts(self, name: str) -> list[str]:
        """All values of a parameter."""
        return [text for one, text in self._parameters if one == name]

    def whole(self, name: str, bounds: tuple[int, int], default: int) -> int:
        """A number within bounds, the default without one."""
        text = self._one(name)
        if text is None:
            return default
        least, most = bounds
        if _WHOLE.fullmatch(text) and least <= int(text) <= most:
            return int(text)
        self._reject(name, text, f"a whole number from {least} to {most}")
        return default

    def option(self, name: str, options: Iterable[str], default: str) -> str:
        """One of some words, the default without one. Run:ai's client sends True for true."""
        text = self._one(name)
        if text is None:
            return default
        for found in (text, text.lower()):
            if found in options:
                return found
        self._reject(name, text, one_of(options), Rule.OPTIONS)
        return default

    def flag(self, name: str) -> bool:
        """true or false, which is the default."""
        return _BOOLEANS[self.option(name, _BOOLEANS, "false")]

    def _one(self, name: str) -> str | None:
        if name in self._repeated:
            self.issues.append(issue(name, f"{name} must be given once: remove the others"))
        return self._given.get(name)

    def _reject(self, name: str, text: str, must_be: str, rule: Rule | None = None) -> None:
        self.issues.append(issue(name, f'{name} is "{truncate(text)}" but must be {must_be}: correct it', rule))

    def _check_names(self, known: Collection[str]) -> None:
        for name in dict.fromkeys(name for name, _ in self._parameters):
            if name not in known:
                remedy = f"this call has the parameters {', '.join(sorted(known))}"
                self.issues.append(issue(truncate(name), f'unknown parameter "{truncate(name)}": {remedy}'))


def one_of(options: Iterable[str]) -> str:
    """The options as part of a sentence."""
    *others, last = options
    return f"{', '.join(others)} or {last}"


def issue(name: str, details: str, rule: Rule | None = None) -> Issue:
    """An issue of a parameter."""
    return {"field": name, "details": details, **({"rule": rule.value} if rule else {})}
