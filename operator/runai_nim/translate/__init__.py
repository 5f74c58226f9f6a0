"""`translate(cr, context) -> Desired`: what should exist for a RunaiNimService. One module per block of the spec.

Pure: no I/O, no clock, no settings lookup. Never raises on what a user wrote: that becomes findings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runai_nim import keys
from runai_nim.api.v1alpha1 import Compute, ModelStore, RunaiNimServiceSpec, Security, ServingPort
from runai_nim.translate import names
from runai_nim.translate.compute import compute_fragment, gpu_text
from runai_nim.translate.image import image_fragment, security_fragment
from runai_nim.translate.nimservice import make_nimservice
from runai_nim.translate.owner import Owner
from runai_nim.translate.pvc import make_claim
from runai_nim.translate.scheduling import scheduling_fragment
from runai_nim.translate.serving import serving_fragment
from runai_nim.translate.storage import storage_fragment
from runai_nim.validate import Context, Finding, has_errors, validate

__all__ = ["Context", "Desired", "translate"]


@dataclass(frozen=True, slots=True)
class Desired:
    """What should exist, and what can be said without looking into the cluster.

    With an error among `findings` only those and `project` are set, and nothing may be written.

    `nimservice`, `claim`: manifests for server-side apply; `claim` is None when none is ours to make.
    `claim_name`, `nim_cache`: the one store that the NIMService uses, the other is None.
    `gpu`: of each pod, for people (`2`, `0.5`, `2x0.5`, `20Gi`). `replicas`: wanted, 0 while `stopped`.
    """

    findings: tuple[Finding, ...]
    project: str | None
    nimservice: dict[str, Any] | None = None
    claim: dict[str, Any] | None = None
    claim_name: str | None = None
    nim_cache: str | None = None
    internal_url: str | None = None
    gpu: str = ""
    replicas: int = 0
    stopped: bool = False


def translate(cr: Mapping[str, Any], context: Context) -> Desired:
    """Decide from a RunaiNimService as the API gives it (metadata and spec) what should exist."""
    spec, findings = validate(cr, context)
    if spec is None or has_errors(findings):
        return Desired(findings, context.project)
    return _desired(cr, spec, context, findings)


def _desired(
    cr: Mapping[str, Any], spec: RunaiNimServiceSpec, context: Context, findings: tuple[Finding, ...]
) -> Desired:
    owner, claim_name = Owner.of(cr["metadata"]), names.claim_name_of(cr)
    store, serving = spec.model_store or ModelStore(), spec.serving_port or ServingPort()
    compute = spec.compute or Compute()
    replicas = wanted_replicas(spec.replicas, spec.desired_phase)
    return Desired(
        findings=findings,
        project=context.project,
        nimservice=make_nimservice(
            owner,
            context.settings,
            image_fragment(spec),
            compute_fragment(owner.name, compute, context.settings),
            storage_fragment(store, compute, claim_name),
            serving_fragment(serving),
            scheduling_fragment(spec, context),
            security_fragment(spec.security or Security()),
            restart_fragment(cr["metadata"].get("annotations") or {}),
            {"replicas": replicas},
        ),
        claim=make_claim(owner, claim_name or "", store.pvc),
        claim_name=claim_name,
        nim_cache=None if store.nim_cache is None else store.nim_cache.name,
        internal_url=names.internal_url(owner.name, owner.namespace, serving.port or 0),
        gpu=gpu_text(compute),
        replicas=replicas,
        stopped=replicas == 0,
    )


def wanted_replicas(replicas: int | None, desired_phase: Literal["Running", "Stopped"] | None) -> int:
    """1 unless said otherwise; none while stopped."""
    return 0 if desired_phase == "Stopped" else 1 if replicas is None else replicas


def restart_fragment(annotations: Mapping[str, str]) -> dict[str, Any]:
    """`annotations` with the CR's `runai-nim.io/restarted-at`: a new value on the pods rolls them."""
    restarted_at = annotations.get(keys.RESTARTED_AT)
    return {"annotations": {keys.RESTARTED_AT: restarted_at}} if restarted_at else {}
