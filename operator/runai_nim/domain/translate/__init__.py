"""`translate(decision_input) -> Desired`: what should exist for a RunaiNimService. One module per block of the spec.

Pure: no I/O, no clock, no settings lookup. Never raises on what a user wrote: that becomes findings. Each module holds
the rows of its block: a field, what it becomes, and the function that makes it.
"""

from dataclasses import dataclass
from typing import Any

from runai_nim.domain import names
from runai_nim.domain.decision_input import DecisionInput
from runai_nim.domain.translate.autoscaling import desired_replicas
from runai_nim.domain.translate.compute import gpu_text
from runai_nim.domain.translate.exposure import Exposure, exposure_of, make_route
from runai_nim.domain.translate.model_store import make_claim
from runai_nim.domain.translate.nimservice import ROWS, make_nimservice
from runai_nim.domain.translate.rules import TranslationSource
from runai_nim.domain.translate.unsupported_fields import check_supported_fields
from runai_nim.domain.validate import Finding, has_errors, validate

__all__ = ["Desired", "Exposure", "translate"]


@dataclass(frozen=True, slots=True)
class Desired:
    """What should exist, and what can be said without looking into the cluster.

    With an error among `findings` only those and `project` are set, and nothing may be written.

    `nimservice`, `claim`, `route`: manifests for server-side apply; `claim` and `route` are None when none is ours to
    make. `claim_name`, `nim_cache`: the one store that the NIMService uses, the other is None.
    `gpu`: of each pod, for people (`2`, `0.5`, `2x0.5`, `20Gi`). `replicas`: wanted, 0 while stopped, None where
    autoscaling decides.
    """

    findings: tuple[Finding, ...]
    project: str | None
    nimservice: dict[str, Any] | None = None
    claim: dict[str, Any] | None = None
    route: dict[str, Any] | None = None
    claim_name: str | None = None
    nim_cache: str | None = None
    internal_url: str | None = None
    exposure: Exposure | None = None
    gpu: str = ""
    replicas: int | None = 0

    @property
    def is_stopped(self) -> bool:
        """No replicas are wanted."""
        return self.replicas == 0


def translate(decision_input: DecisionInput) -> Desired:
    """Decide from a RunaiNimService and what is known around it what should exist."""
    spec, findings = validate(decision_input)
    project = decision_input.context.project
    if spec is None or has_errors(findings):
        return Desired(findings, project)
    source = TranslationSource.of(decision_input)
    nimservice = make_nimservice(source)
    if lacks := tuple(check_supported_fields(source, ROWS, nimservice)):
        return Desired((*findings, *lacks), project)
    cache = source.store.nim_cache
    return Desired(
        findings=findings,
        project=project,
        nimservice=nimservice,
        claim=make_claim(source),
        route=make_route(source),
        claim_name=source.claim_name,
        nim_cache=None if cache is None else cache.name,
        internal_url=names.internal_url(source.name, source.owner.namespace, source.serving.port or 0),
        exposure=exposure_of(source),
        gpu=gpu_text(source.compute),
        replicas=desired_replicas(spec),
    )
