"""Fields of the API that this version doesn't translate: refused by name, because ignoring one would mislead."""

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from runai_nim.api.v1alpha1 import ServingPort
from runai_nim.validate.candidate import Candidate
from runai_nim.validate.finding import Finding, Reason

_SPEC: Final = (
    "environment_variables",
    "labels",
    "annotations",
    "tolerations",
    "autoscaling",
    "multi_node",
    "probes",
)
_SERVING_PORT: Final = ("exposed_url", "exposed_protocol")


def check_later_fields(candidate: Candidate) -> Iterator[Finding]:
    """Absent, null and empty lists ask for nothing and pass."""
    spec = candidate.spec
    yield from _used("spec", spec, _SPEC)
    yield from _used("spec.servingPort", spec.serving_port or ServingPort(), _SERVING_PORT)
    for index, secret in enumerate(spec.image_pull_secrets or ()):
        if secret.user_credential:
            yield _later(f"spec.imagePullSecrets[{index}].userCredential")


def _used(path: str, block: BaseModel, names: tuple[str, ...]) -> Iterator[Finding]:
    for name in names:
        if getattr(block, name) not in (None, ()):
            yield _later(f"{path}.{type(block).model_fields[name].alias}")


def _later(path: str) -> Finding:
    rule, remedy = "be absent, this version of the operator doesn't translate it yet", "remove it"
    return Finding(Reason.NOT_YET_SUPPORTED, path, None, rule, remedy)
