"""Container image references, taken apart. Knows texts only: no field, no registry, no other module.

Grammar: the OCI distribution specification and distribution/reference.
"""

import re
from dataclasses import dataclass
from typing import Final

RULE: Final = "be an image such as nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.5, or one with @sha256:<digest>"

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE: Final = re.compile(
    rf"(?P<repository>(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<algorithm>[a-z0-9]+):(?P<digest>[0-9a-f]{32,128}))?"
)


@dataclass(frozen=True, slots=True)
class Image:
    """Parts of a reference; `digest` is `(algorithm, hex)`."""

    repository: str
    tag: str | None
    digest: tuple[str, str] | None


class ImageError(ValueError):
    """The text is no image reference."""


def parse(text: str) -> Image:
    """Take `text` apart; a registry's port is no tag. Raises ImageError."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise ImageError(text)
    return Image(match["repository"], match["tag"], (match["algorithm"], match["digest"]) if match["digest"] else None)
