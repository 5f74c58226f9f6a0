"""RunaiNimServices as the API server stores them, for tests of decisions. Those to apply: `tests.support.services`."""

from collections.abc import Mapping
from typing import Any

CREATED = "2026-01-02T00:00:00Z"
SPEC: Mapping[str, Any] = {
    "image": "nvcr.io/nim/meta/llama:1.0",
    "ngcAuthSecret": "ngc",
    "modelStore": {"pvc": {"claimInfo": {"size": "10Gi"}}},
    "servingPort": {"port": 8000},
}
"""A spec that is accepted; its claim `nim-model-store` is one to create."""


def a_cr(
    spec: Mapping[str, Any] | None = None, status: Mapping[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    """The resource `nim` in the namespace `ns`, with fields of SPEC and of its metadata replaced."""
    known = {"name": "nim", "namespace": "ns", "uid": "u1", "generation": 3, "creationTimestamp": CREATED}
    return {"metadata": known | metadata, "spec": {**SPEC, **(spec or {})}, "status": dict(status or {})}


def a_cr_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The resource of a_cr with exactly this spec."""
    return {**a_cr(), "spec": spec}


def with_claim(info: Mapping[str, Any] | None = None, pvc: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A part of a spec: SPEC's modelStore, with fields of `claimInfo` and of `pvc` replaced."""
    return {"modelStore": {"pvc": {"claimInfo": {"size": "10Gi", **(info or {})}, **(pvc or {})}}}
