"""The input of every decision: a resource, its effective spec, the origin of its values, and its context.

The reconciler, the command line and the REST API all create it here, so that they evaluate a resource equally.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from runai_nim.api.resources import ObjectView
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.config.settings import Settings
from runai_nim.domain import names
from runai_nim.domain.context import Context
from runai_nim.domain.finding import Finding
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.policy import (
    AcceptedSpec,
    CompiledPolicies,
    Compliance,
    EffectiveSpec,
    ValueOrigin,
    accept,
    compliance_of,
    effective_spec,
    enforce,
    own_spec,
)
from runai_nim.domain.policy.effective import ALL_FROM_RESOURCE


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """Everything that `validate` and `translate` read.

    `resource`: as the API server stores it, or would store it. `spec`: the effective spec as JSON, which is not a
    mapping if the user wrote another value. `parsed_spec`: the typed spec, or the error. `provenance`: origins by path;
    a path without an entry has the origin of its nearest ancestor. `policy_findings`: the broken rules of policies in
    force. `accepted`: what has to be kept of the policies if the spec is valid; `accepted_before`: what was kept, or is
    known from the status; `compliance`: how it meets the policies of today. They are None without policies.
    """

    resource: ObjectView
    spec: Any
    parsed_spec: RunaiNimServiceSpec | ValidationError
    provenance: Mapping[str, ValueOrigin]
    context: Context
    policy_findings: tuple[Finding, ...] = ()
    accepted: AcceptedSpec | None = None
    accepted_before: AcceptedSpec | None = None
    compliance: Compliance | None = None

    @property
    def name(self) -> str:
        """Name of the RunaiNimService; empty without one."""
        name: str = self.resource["metadata"].get("name", "")
        return name

    @property
    def namespace(self) -> str:
        """Namespace of the RunaiNimService; empty without one."""
        namespace: str = self.resource["metadata"].get("namespace", "")
        return namespace

    @property
    def valid_spec(self) -> RunaiNimServiceSpec:
        """The typed effective spec. Raises ValidationError for an invalid one, which `validate` reports."""
        if isinstance(self.parsed_spec, ValidationError):
            raise self.parsed_spec
        return self.parsed_spec

    @property
    def given_claim_name(self) -> str | None:
        """`spec.modelStore.pvc.claimName`, even if other parts of the spec are invalid."""
        name = self._value("spec.modelStore.pvc.claimName")
        return str(name) if name else None

    @property
    def claim_name(self) -> str | None:
        """The claim in the spec, `llama-8b-model-store` by default; None without `spec.modelStore.pvc`.

        It allows to look up the claim before the spec is validated.
        """
        if not isinstance(self._value("spec.modelStore.pvc"), Mapping):
            return None
        return self.given_claim_name or names.default_claim_name(self.name)

    @property
    def priority_class(self) -> str | None:
        """The PriorityClass behind `spec.priorityClass`, even if other parts of the spec are invalid; None without."""
        priority = self._value("spec.priorityClass")
        classes = self.context.settings.priority_classes
        return next((name for known, name in classes.items() if known == priority), None)

    def origin(self, path: str) -> ValueOrigin | None:
        """Origin of the value at a path such as `spec.compute.gpuPortionRequest`; None if it isn't set."""
        return None if self._value(path) is None else self.policy_or_resource(path)

    def policy_or_resource(self, path: str) -> ValueOrigin:
        """Origin of the nearest ancestor of a path such as `spec.tolerations[0].effect` that has one."""
        while path not in self.provenance:
            end = max(path.rfind("."), path.rfind("["))
            path = path[:end] if end > 0 else "spec"
        return self.provenance[path]

    def with_cluster(self, *, priority_class_exists: bool | None, older_with_url: str) -> "DecisionInput":
        """A copy with the state of what is not a child; the parameters are fields of `Context`."""
        context = replace(self.context, priority_class_exists=priority_class_exists, older_with_url=older_with_url)
        return replace(self, context=context)

    def with_children(
        self,
        *,
        claim_exists: bool | None,
        claim_size: str = "",
        claim_access_modes: tuple[str, ...] = (),
        nimservice_exists: bool,
    ) -> "DecisionInput":
        """A copy with the state of the children; the parameters are fields of `Context`."""
        context = replace(
            self.context,
            claim_exists=claim_exists,
            claim_size=claim_size,
            claim_access_modes=claim_access_modes,
            nimservice_exists=nimservice_exists,
        )
        return replace(self, context=context)

    def _value(self, path: str) -> Any:
        value: Any = {"spec": self.spec}
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


def make_decision_input(
    resource: ObjectView,
    *,
    settings: Settings,
    namespace_labels: Mapping[str, str] | None,
    nimservice_schema: NIMServiceSchema,
    max_findings: int | None = None,
    policies: CompiledPolicies | None = None,
    accepted: AcceptedSpec | None = None,
) -> DecisionInput:
    """The input for a RunaiNimService, with unknown children; `with_children` adds them.

    `policies`: those of its namespace; None: there are none. `accepted`: what its spec was accepted under before.
    """
    context = Context(
        settings=settings,
        namespace_labels=namespace_labels,
        claim_exists=None,
        nimservice_schema=nimservice_schema,
        max_findings=max_findings,
    )
    if policies is None:
        effective = EffectiveSpec(own_spec(resource), ALL_FROM_RESOURCE, ())
        return _decision_input(resource, effective, context)
    enforcement = enforce(policies, accepted)
    effective = effective_spec(resource, enforcement.in_force)
    found = _decision_input(resource, effective, context)
    is_valid = isinstance(found.parsed_spec, RunaiNimServiceSpec)
    return replace(
        found,
        accepted=accept(resource, enforcement, effective) if is_valid else None,
        accepted_before=enforcement.accepted,
        compliance=compliance_of(resource, enforcement, effective),
    )


def _decision_input(resource: ObjectView, effective: EffectiveSpec, context: Context) -> DecisionInput:
    return DecisionInput(
        resource=resource,
        spec=effective.spec,
        parsed_spec=_parse(effective.spec),
        provenance=effective.provenance,
        policy_findings=effective.findings,
        context=context,
    )


def _parse(spec: Any) -> RunaiNimServiceSpec | ValidationError:
    try:
        return RunaiNimServiceSpec.model_validate(spec, by_alias=True, by_name=False)
    except ValidationError as error:
        return error.with_traceback(None)  # the traceback would keep this frame, and the frame the error, alive
