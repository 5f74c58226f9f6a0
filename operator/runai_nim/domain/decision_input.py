"""The one input of every decision: a resource, its effective spec, where its values come from, and its context.

The reconciler, the command line and the REST API all make it here, so that they can't judge a resource differently.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError

from runai_nim.api.resources import ObjectView
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.config.settings import Settings
from runai_nim.domain import names
from runai_nim.domain.context import Context
from runai_nim.domain.nimservice_schema import NIMServiceSchema


class ValueOrigin(StrEnum):
    """Where a value of the effective spec comes from."""

    RESOURCE = "resource"


_ALL_FROM_RESOURCE: Final[Mapping[str, ValueOrigin]] = {"spec": ValueOrigin.RESOURCE}


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """Everything that `validate` and `translate` read.

    `resource`: as the API server has it, or would have it. `spec`: the effective spec as JSON; not a mapping where
    somebody wrote another value. `parsed_spec`: the same in its types, or why it can't be read.
    `provenance`: origins by path; a path has the origin of the nearest path that encloses it.
    """

    resource: ObjectView
    spec: Any
    parsed_spec: RunaiNimServiceSpec | ValidationError
    provenance: Mapping[str, ValueOrigin]
    context: Context

    @property
    def name(self) -> str:
        """Of the RunaiNimService; empty where it has none."""
        name: str = self.resource["metadata"].get("name", "")
        return name

    @property
    def namespace(self) -> str:
        """Of the RunaiNimService; empty where it names none."""
        namespace: str = self.resource["metadata"].get("namespace", "")
        return namespace

    @property
    def valid_spec(self) -> RunaiNimServiceSpec:
        """The effective spec in its types. Raises ValidationError where it can't be read, which `validate` reports."""
        if isinstance(self.parsed_spec, ValidationError):
            raise self.parsed_spec
        return self.parsed_spec

    @property
    def given_claim_name(self) -> str | None:
        """`spec.modelStore.pvc.claimName`, even if the spec around it can't be read."""
        name = self._value("spec.modelStore.pvc.claimName")
        return str(name) if name else None

    @property
    def claim_name(self) -> str | None:
        """The claim that the spec asks for, `llama-8b-model-store` by default; None without `spec.modelStore.pvc`.

        For looking the claim up before the spec is known to be valid: whatever can't be read names no claim.
        """
        if not isinstance(self._value("spec.modelStore.pvc"), Mapping):
            return None
        return self.given_claim_name or names.default_claim_name(self.name)

    def origin(self, path: str) -> ValueOrigin | None:
        """Where the value at `spec.compute.gpuPortionRequest` comes from; None where it isn't set."""
        if self._value(path) is None:
            return None
        while path not in self.provenance:
            path = path.rpartition(".")[0]
        return self.provenance[path]

    def with_children(
        self, *, claim_exists: bool | None, claim_size: str = "", nimservice_exists: bool
    ) -> "DecisionInput":
        """The same, knowing which children are there; the fields of `Context` say what each means."""
        context = replace(
            self.context, claim_exists=claim_exists, claim_size=claim_size, nimservice_exists=nimservice_exists
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
) -> DecisionInput:
    """From a RunaiNimService and what is known around it. Nothing is known of its children: see `with_children`."""
    spec = effective_spec(resource)
    return DecisionInput(
        resource=resource,
        spec=spec,
        parsed_spec=_parse(spec),
        provenance=_ALL_FROM_RESOURCE,
        context=Context(
            settings=settings,
            namespace_labels=namespace_labels,
            claim_exists=None,
            nimservice_schema=nimservice_schema,
            max_findings=max_findings,
        ),
    )


def effective_spec(resource: ObjectView) -> Any:
    """The spec that holds for a resource: its own. Empty where it has none."""
    return resource.get("spec") or {}


def _parse(spec: Any) -> RunaiNimServiceSpec | ValidationError:
    try:
        return RunaiNimServiceSpec.model_validate(spec, by_alias=True, by_name=False)
    except ValidationError as error:
        return error.with_traceback(None)  # which would hold this call's frame, and that the error
