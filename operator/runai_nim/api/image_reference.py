"""Parse container image references.

Grammar and bounds follow the OCI distribution and image specifications and distribution/reference, which the kubelet
uses: a pod with a reference that it rejects never starts.
"""

import re
from dataclasses import dataclass
from typing import Final

RULE: Final = "be an image such as nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.5, or one with @sha256:<digest>"
MAX_PATH_LENGTH: Final = 255
"""Maximum length of a repository without its registry, in characters."""
DIGEST_DIGITS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
"""Number of hexadecimal digits of each digest algorithm that container runtimes support."""

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_ONLY_IN_REGISTRIES: Final = frozenset(".:")
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REFERENCE: Final = re.compile(
    rf"(?P<repository>(?:(?P<registry>{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?)/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<algorithm>[a-z0-9]+):(?P<digest>[0-9a-f]+))?"
)

# Not of dates and commits, such as 20261128 or 3f2a9c1.
_VERSION: Final = re.compile(r"v?(?P<major>[0-9]{1,3})(?:\.[0-9]+)*(?:[._-].*)?")


@dataclass(frozen=True, slots=True)
class Image:
    """A parsed reference; `digest` is `(algorithm, hex)`."""

    repository: str
    tag: str | None
    digest: tuple[str, str] | None

    @property
    def major_version(self) -> int | None:
        """The major version in the tag: 2 for `2.0.10` and `v2`; None for `latest`, another word, or no tag."""
        match = _VERSION.fullmatch(self.tag or "")
        return None if match is None else int(match["major"])


class ImageError(ValueError):
    """The text is not a valid image reference. The message continues a sentence after "must"."""


def parse(text: str) -> Image:
    """Parse `text`: `localhost:5000/a/b:1` has the repository `localhost:5000/a/b` and the tag `1`. Raises
    ImageError."""
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
    """The repository without its registry. A registry has a dot, a port or a capital letter, or is localhost."""
    repository = match["repository"]
    registry = match["registry"] or ""
    named = registry == "localhost" or registry != registry.lower() or not _ONLY_IN_REGISTRIES.isdisjoint(registry)
    return repository[len(registry) + 1 :] if named else repository
