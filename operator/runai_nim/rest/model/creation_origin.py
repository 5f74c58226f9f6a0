"""What a POST created a workload from: hashes of its body and its Idempotency-Key, kept in an annotation.

By them the REST API recognizes a repeated POST on any pod, and after the spec has changed. Each hash includes the
caller, so another caller's POST never matches. Whoever may write the annotation may forge it, so that another POST is
answered with that workload, which they may change anyway.
"""

import hashlib
import json
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from runai_nim.api.resources import ObjectView

SUFFIX_CHARACTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
"""Alphabet of the API server for generateName; without vowels, it spells no words."""
SUFFIX_LENGTH: Final = 5
_SEPARATOR: Final = "."


class Relation(Enum):
    """How a POST is related to a stored workload of the same name."""

    REPEATED = auto()
    KEY_REUSED = auto()
    UNRELATED = auto()


@dataclass(frozen=True, slots=True)
class CreationOrigin:
    """SHA-256 of caller and body, and of caller, place and Idempotency-Key (empty without one), in hexadecimal."""

    body: str
    key: str

    @property
    def annotation(self) -> str:
        """`<body>.<key>`; `<body>` without a key."""
        return f"{self.body}{_SEPARATOR}{self.key}" if self.key else self.body

    @property
    def suffix(self) -> str:
        """Five characters that complete a prefix: the same for the same key on each pod."""
        number = int(self.key, 16)
        return "".join(
            SUFFIX_CHARACTERS[number // len(SUFFIX_CHARACTERS) ** place % len(SUFFIX_CHARACTERS)]
            for place in range(SUFFIX_LENGTH)
        )

    def relation_to(self, annotation: str | None) -> Relation:
        """The relation to the workload with this annotation. A POST without a key repeats one with a key, too."""
        body, _, key = (annotation or "").partition(_SEPARATOR)
        if self.key and self.key != key:
            return Relation.UNRELATED
        if self.body == body:
            return Relation.REPEATED
        return Relation.KEY_REUSED if self.key else Relation.UNRELATED


def origin_of(user: str, manifest: ObjectView, key: str | None) -> CreationOrigin:
    """The origin of a POST by `user`; `manifest`: what its body describes; `key`: its Idempotency-Key."""
    metadata = manifest["metadata"]
    place = [metadata["namespace"], metadata.get("generateName"), metadata.get("name")]
    return CreationOrigin(body=_digest([user, manifest]), key="" if key is None else _digest([user, place, key]))


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(_canonical(value), sort_keys=True).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """The value with whole numbers as integers: clients and the API server write 1 and 1.0 for the same."""
    if isinstance(value, dict):
        return {name: _canonical(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
