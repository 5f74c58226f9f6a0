"""resourceVersions of Kubernetes objects: what has one, and which is newer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self


class VersionedObject(Protocol):
    """A projection of an object; it has at least the resourceVersion."""

    @property
    def resource_version(self) -> str:
        """The object's metadata.resourceVersion."""


@dataclass(frozen=True, slots=True)
class Version:
    """Projection of an object of which only the name matters."""

    resource_version: str

    @classmethod
    def from_object(cls, obj: Mapping[str, Any]) -> Self:
        """From any object."""
        return cls(obj["metadata"]["resourceVersion"])


def is_newer(version: str, than: str) -> bool:
    """Whether resourceVersion `version` is newer than `than`.

    Kubernetes guarantees from 1.35 on that resourceVersions of a resource are ordered integers; earlier versions
    comply.
    """
    return int(version) > int(than)
