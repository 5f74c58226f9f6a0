"""Container image references, taken apart. Knows texts only: no field, no registry, no other module.

Grammar and bounds: the OCI distribution and image specifications, and distribution/reference, by which a kubelet reads
an image: what it refuses there is a pod that never starts.
"""

import re
from dataclasses import dataclass
from typing import Final

RULE: Final = "be an image such as nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.5, or one with @sha256:<digest>"
MAX_PATH_LENGTH: Final = 255
"""Characters of a repository without its registry."""
DIGEST_DIGITS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
"""Hexadecimal digits of each algorithm that a container runtime knows."""

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_ONLY_IN_REGISTRIES: Final = frozenset(".:")
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REFERENCE: Final = re.compile(
    rf"(?P<repository>(?:(?P<registry>{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?)/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<algorithm>[a-z0-9]+):(?P<digest>[0-9a-f]+))?"
)


@dataclass(frozen=True, slots=True)
class Image:
    """Parts of a reference; `digest` is `(algorithm, hex)`."""

    repository: str
    tag: str | None
    digest: tuple[str, str] | None


class ImageError(ValueError):
    """The text is no image reference that can exist; the message continues "must …"."""


def parse(text: str) -> Image:
    """Take `text` apart; a registry's port is no tag. Raises ImageError."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise ImageError(RULE)
    if (path_length := len(_path(match))) > MAX_PATH_LENGTH:
        raise ImageError(
            f"have a repository of at most {MAX_PATH_LENGTH} characters after the registry (it has {path_length})"
        )
    if match["digest"] is None:
        return Image(match["repository"], match["tag"], None)
    if len(match["digest"]) != DIGEST_DIGITS.get(match["algorithm"]):
        allowed = ", ".join(f"{algorithm} of {digits}" for algorithm, digits in DIGEST_DIGITS.items())
        raise ImageError(f"have a digest of a known algorithm and length in hexadecimal digits: {allowed}")
    return Image(match["repository"], match["tag"], (match["algorithm"], match["digest"]))


def _path(match: re.Match[str]) -> str:
    """The repository without its registry, whose name has a dot, a port or a capital letter, or is localhost."""
    repository, registry = match["repository"], match["registry"] or ""
    named = registry == "localhost" or registry != registry.lower() or not _ONLY_IN_REGISTRIES.isdisjoint(registry)
    return repository[len(registry) + 1 :] if named else repository
