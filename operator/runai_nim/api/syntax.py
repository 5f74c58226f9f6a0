"""Syntax of Kubernetes names, label keys and label values, and of YAML 1.1 plain scalars."""

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
_UNRENDERABLE: Final = re.compile("[\x7f-\x9f\ufffe\uffff]")
_MAX_TYPO_LENGTH: Final = 100
"""Maximum length of a word that is compared with known words."""
MAX_SUGGESTIONS: Final = 20
"""Number of unknown words that get a suggestion; more appear when the user has corrected these."""


def is_dns_1035_label(text: str) -> bool:
    """Lower case letters, digits and `-`, starting with a letter: the syntax of Service names, without their length
    limit."""
    return _DNS_1035.fullmatch(text) is not None


def is_dns_label(text: str) -> bool:
    """Lower case letters, digits and inner `-`: the syntax of namespace names, without their length limit."""
    return "." not in text and _DNS_1123.fullmatch(text) is not None


def is_object_name(text: str) -> bool:
    """A DNS-1123 subdomain of at most 253 characters: the syntax of most objects' names, such as `my.secret-1`."""
    return len(text) <= 253 and _DNS_1123.fullmatch(text) is not None


def is_label_value(text: str) -> bool:
    """Empty, or up to 63 letters, digits, `-`, `_` and `.` that start and end with a letter or digit."""
    return not text or _QUALIFIED.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """A label or annotation key: `name` or `domain/name`, such as `example.com/team`."""
    domain, slash, name = text.rpartition("/")
    return _QUALIFIED.fullmatch(name) is not None and (not slash or is_object_name(domain))


@lru_cache(maxsize=4096)  # every reconciliation checks the same few names
def is_yaml_text(text: str) -> bool:
    """Whether YAML 1.1 reads the unquoted word as a string: false for `true`, `on`, `n`, `null`, `123`, `1e3`.

    The NIM Operator writes names and the scheduler's name unquoted into YAML templates.
    """
    tag = _RESOLVER.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call] # so in its type stubs
    return bool(tag == _TEXT) and _OTHER_NON_STRINGS.fullmatch(text) is None


def unrenderable_character(text: str) -> str | None:
    """The first character that the NIM Operator can't render into its manifests, such as `U+007F`; None without any.

    YAML 1.1 allows none of U+007F to U+009F, U+FFFE and U+FFFF but U+0085, which becomes a space.
    """
    found = _UNRENDERABLE.search(text)
    return None if found is None else f"U+{ord(found[0]):04X}"


def closest_match(text: str, known: Iterable[str]) -> str | None:
    """The known word of which `text` is probably a typo, such as `replicas` for `replcas`."""
    if len(text) > _MAX_TYPO_LENGTH:
        return None
    lower = {word.lower(): word for word in known}
    matches = get_close_matches(text.lower(), lower, n=1, cutoff=0.75)
    return lower[matches[0]] if matches else None


class SuggestionBudget:
    """`closest_match` for the first MAX_SUGGESTIONS words: it takes longer than all other checks of a mistake."""

    def __init__(self) -> None:
        self._remaining = MAX_SUGGESTIONS

    def closest_match(self, text: str, known: Iterable[str]) -> str | None:
        """The known word of which `text` is probably a typo; None when the budget is used up."""
        self._remaining -= 1
        return closest_match(text, known) if self._remaining >= 0 else None
