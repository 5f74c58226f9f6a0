"""`translate(decision_input) -> Desired`: the desired state of a RunaiNimService, one module per block of the spec.

Each module contains the mapping rows of its block: a field, what it becomes, and the function that renders it. Mistakes
of users never raise; they become findings.
"""

from dataclasses import dataclass
from typing import Any

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.domain import names
from runai_nim.domain.context import Context, one_pool
from runai_nim.domain.decision_input import DecisionInput
from runai_nim.domain.policy import Compliance
from runai_nim.domain.translate.autoscaling import desired_replicas
from runai_nim.domain.translate.compute import gpu_text
from runai_nim.domain.translate.exposure import Exposure, exposure_of, make_route
from runai_nim.domain.translate.model_store import make_claim
from runai_nim.domain.translate.nimservice import ROWS, make_nimservice
from runai_nim.domain.translate.policy_revision import make_policy_revision
from runai_nim.domain.translate.rules import TranslationSource
from runai_nim.domain.translate.unsupported_fields import check_supported_fields
from runai_nim.domain.validate import Finding, has_errors, validate

__all__ = ["Desired", "Exposure", "translate"]


@dataclass(frozen=True, slots=True)
class Desired:
    """The objects that should exist, and the parts of the status that don't depend on the cluster.

    With an error among `findings` only `findings`, `project`, `policy_revision` and `compliance` are set, and no other
    object may be written.

    `nimservice`, `claim`, `route`: manifests for server-side apply; `claim` and `route` are None if the operator
    creates none. `claim_name`, `nim_cache`: the store that the NIMService uses; the other is None. `gpu`: GPU of each
    pod for the status (`2`, `0.5`, `2x0.5`, `20Gi`). `replicas`: 0 while stopped, None with autoscaling. `queue`:
    the pods' label for the scheduler's queue; empty without one. `pool_label`: with KAI the label of the pods' only
    node pool, `kai.scheduler/node-pool=h100`, which its scheduler and queue must have; empty without one.
    `policy_revision`: the ControllerRevision that keeps what the policies gave; None without policies.
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
    queue: str = ""
    pool_label: str = ""
    policy_revision: dict[str, Any] | None = None
    compliance: Compliance | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether the desired number of replicas is 0."""
        return self.replicas == 0


def translate(decision_input: DecisionInput) -> Desired:
    """The desired state for a decision input."""
    spec, findings = validate(decision_input)
    project = decision_input.context.project
    metadata = decision_input.resource["metadata"]
    if spec is None or has_errors(findings):
        # It stays known as accepted, for when the policy that refuses it lets go of it.
        before = make_policy_revision(metadata, decision_input.accepted_before)
        return Desired(findings, project, policy_revision=before, compliance=decision_input.compliance)
    source = TranslationSource.of(decision_input)
    nimservice = make_nimservice(source)
    if lacks := tuple(check_supported_fields(source, ROWS, nimservice)):
        return Desired((*findings, *lacks), project, compliance=decision_input.compliance)
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
        queue=decision_input.context.queue_of(spec.node_pools) or "",
        pool_label=_pool_label(spec, decision_input.context),
        policy_revision=make_policy_revision(metadata, decision_input.accepted),
        compliance=decision_input.compliance,
    )


def _pool_label(spec: RunaiNimServiceSpec, context: Context) -> str:
    settings = context.settings
    pool = one_pool(spec.node_pools)
    return f"{settings.node_pool_label}={pool}" if pool and settings.dialect == "kai" else ""
