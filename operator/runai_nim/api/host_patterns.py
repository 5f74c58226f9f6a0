"""Patterns of host names in settings, such as `*.{namespace}.models.example.com`.

`*` matches text within one DNS label, as in a certificate: across dots it could match a host of another namespace. `*`
alone matches every host. `{namespace}` stands for the namespace of the RunaiNimService.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from runai_nim.api import syntax

ANY_HOST: Final = "*"
NAMESPACE_PLACEHOLDER: Final = "{namespace}"


def is_pattern(text: str) -> bool:
    """Whether some host can match `text`: true for `*.example.com`, false for `*..com`."""
    return text == ANY_HOST or syntax.is_object_name(text.replace(NAMESPACE_PLACEHOLDER, "a").replace("*", "a"))


def host_matches(host: str, patterns: Iterable[str], namespace: str) -> bool:
    """Whether `host` matches one of `patterns` in `namespace`: `a.team.x.io` matches `*.{namespace}.x.io` in `team`."""
    return any(_regex(pattern, namespace).fullmatch(host) for pattern in patterns)


@lru_cache(maxsize=1024)  # bounded, because namespaces are created and deleted
def _regex(pattern: str, namespace: str) -> re.Pattern[str]:
    if pattern == ANY_HOST:
        return re.compile(".*")
    return re.compile(
        "[a-z0-9-]+".join(re.escape(part.replace(NAMESPACE_PLACEHOLDER, namespace)) for part in pattern.split("*"))
    )
