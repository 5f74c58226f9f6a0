"""Patterns of host names, as settings have them: `*.{namespace}.models.example.com`. Knows texts only.

A `*` stands for text within one label, as in a certificate: what it stood for across dots, such as a whole other
namespace, would be another namespace's. A `*` alone stands for every host. `{namespace}` stands for the namespace of
the RunaiNimService.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from runai_nim.api import syntax

ANY_HOST: Final = "*"
NAMESPACE_PLACEHOLDER: Final = "{namespace}"


def is_pattern(text: str) -> bool:
    """Can there be a host that fits it?"""
    return text == ANY_HOST or syntax.is_object_name(text.replace(NAMESPACE_PLACEHOLDER, "a").replace("*", "a"))


def host_matches(host: str, patterns: Iterable[str], namespace: str) -> bool:
    """Does `host`, asked for in `namespace`, fit one of `patterns`?"""
    return any(_regex(pattern, namespace).fullmatch(host) for pattern in patterns)


@lru_cache(maxsize=1024)  # namespaces come and go
def _regex(pattern: str, namespace: str) -> re.Pattern[str]:
    if pattern == ANY_HOST:
        return re.compile(".*")
    return re.compile(
        "[a-z0-9-]+".join(re.escape(part.replace(NAMESPACE_PLACEHOLDER, namespace)) for part in pattern.split("*"))
    )
