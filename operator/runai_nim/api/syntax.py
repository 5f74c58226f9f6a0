"""Kubernetes' rules for names, label keys and label values, and YAML 1.1's for plain words. Pure tests of one text.

May not know any field or setting: who asks says where the text came from.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

_DNS_1035: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_DNS_1123: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
# YAML 1.1 has y and n, octal and exponents that PyYAML leaves as text; Go's YAML readers don't.
_OTHER_NON_STRINGS: Final = re.compile(r"[yYnN]|0o[0-7_]+|[-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?")
_TEXT: Final = "tag:yaml.org,2002:str"
_RESOLVER: Final = Resolver()
_MAX_TYPO_LENGTH: Final = 100
"""Characters of a word that may be a known one, mistyped."""
MAX_SUGGESTIONS: Final = 20
"""Of many unknown words: the rest is looked at when these are corrected."""


def is_dns_1035_label(text: str) -> bool:
    """Lower case letters, digits and `-`, beginning with a letter: what a Service may be called, but for the length."""
    return _DNS_1035.fullmatch(text) is not None


def is_dns_label(text: str) -> bool:
    """Lower case letters, digits and `-` within: what a namespace may be called, but for the length."""
    return "." not in text and _DNS_1123.fullmatch(text) is not None


def is_object_name(text: str) -> bool:
    """A DNS-1123 subdomain of at most 253 characters: what most objects may be called."""
    return len(text) <= 253 and _DNS_1123.fullmatch(text) is not None


def is_label_value(text: str) -> bool:
    """Up to 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit, or nothing."""
    return not text or _QUALIFIED.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """A label or annotation key: `name` or `domain/name`, the name as a label value and not empty."""
    domain, slash, name = text.rpartition("/")
    return _QUALIFIED.fullmatch(name) is not None and (not slash or is_object_name(domain))


@lru_cache(maxsize=4096)  # the same few names come again with every reconciliation
def is_yaml_text(text: str) -> bool:
    """Whether YAML 1.1 reads the unquoted word as text: not so `true`, `on`, `n`, `null`, `123` or `1e3`.

    The NIM Operator writes names and the scheduler's name unquoted into templates of YAML.
    """
    tag = _RESOLVER.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call] # so in its type stubs
    return bool(tag == _TEXT) and _OTHER_NON_STRINGS.fullmatch(text) is None


def closest_match(text: str, known: Iterable[str]) -> str | None:
    """The known word that `text` is probably a typo of, such as `replicas` for `replcas`."""
    if len(text) > _MAX_TYPO_LENGTH:
        return None
    lower = {word.lower(): word for word in known}
    matches = get_close_matches(text.lower(), lower, n=1, cutoff=0.75)
    return lower[matches[0]] if matches else None


class SuggestionBudget:
    """`closest_match` for the first MAX_SUGGESTIONS words only: it costs more than all other checks of a mistake."""

    def __init__(self) -> None:
        self._remaining = MAX_SUGGESTIONS

    def closest_match(self, text: str, known: Iterable[str]) -> str | None:
        """The known word that `text` was probably meant to be; None when it was asked too often."""
        self._remaining -= 1
        return closest_match(text, known) if self._remaining >= 0 else None
