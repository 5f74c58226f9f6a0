"""Validates bodies and specs of the REST API with the operator's decisions, before the API server sees them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any, Final

from runai_nim.api import syntax, well_known
from runai_nim.api.resources import KubeObject
from runai_nim.api.spec_in_force import has_nimservice, is_rejected
from runai_nim.config.permissions import Access
from runai_nim.config.settings import Settings
from runai_nim.domain.admission.evaluation import evaluate
from runai_nim.domain.admission.object_schema import to_stored_object
from runai_nim.domain.admission.rest_body import check_rest_body, make_manifest, metadata_of
from runai_nim.domain.decision_input import DecisionInput, make_decision_input
from runai_nim.domain.policy import AcceptedSpec, effective_spec, own_spec
from runai_nim.domain.validate import Finding, depends_on_claim, has_errors
from runai_nim.kube.discovery import Discovery
from runai_nim.rest.api_server import ApiServer
from runai_nim.rest.errors import MAX_ISSUES, invalid
from runai_nim.rest.model import broken_stop
from runai_nim.rest.model.compliance import issue_of
from runai_nim.rest.model.project import ProjectNamespace, check_is_served
from runai_nim.rest.namespaces import NamespaceIndex
from runai_nim.rest.policy_index import PolicyIndex
from runai_nim.rest.write_right import right_before_mistakes

CREATION: Final = "create a workload in this project"
_UNREAD_POLICIES: Final = {
    "field": "",
    "details": "policies should be known to the REST API, which may not list or watch them: ask an administrator for"
    " that permission. The operator applies them all the same",
}
"""The warning of an answer whose policies are unknown."""


class SpecValidator:
    """Checks what a call would store. It looks up a claim with the caller's token, and only if the result needs it."""

    def __init__(
        self,
        api_server: ApiServer,
        namespaces: NamespaceIndex,
        policies: PolicyIndex,
        discovery: Discovery,
        *,
        settings: Settings,
    ) -> None:
        self._api_server = api_server
        self._namespaces = namespaces
        self._policies = policies
        self._discovery = discovery
        self._settings = settings

    async def manifest_of(self, token: str, body: Mapping[str, Any]) -> tuple[ProjectNamespace, KubeObject, KubeObject]:
        """The project's namespace, the object that `convert` would print, and the response's field with warnings.

        HttpError (400) names all mistakes. It is 403 if the caller may not create.
        """
        project = await self._namespaces.find(metadata_of(body).get("projectId"))
        namespace = project if isinstance(project, ProjectNamespace) else None
        manifest = make_manifest(body, namespace.name if namespace else "")
        decision_input = self._decision_input(manifest, namespace)
        findings = (*check_rest_body(body), *await self._findings(token, manifest, decision_input))
        if isinstance(project, Finding):
            refuse_errors(chain([project], findings))
            raise AssertionError("a project that isn't found is an error")
        access = Access("create", well_known.GROUP, well_known.PLURAL, project.name)
        async with right_before_mistakes(self._api_server, token, access, CREATION):
            refuse_errors(chain(self._unserved_findings(project), findings))
        return project, manifest, self._warnings(findings)

    async def validate_change(
        self, token: str, cr: KubeObject, spec: KubeObject, namespace: ProjectNamespace
    ) -> tuple[KubeObject, str]:
        """The answer's field with warnings, and what to say of a stop on which the operator doesn't act.

        HttpError (400) names all mistakes; of a change that only stops the workload those that it adds.
        """
        refuse_errors(self._unserved_findings(namespace))
        # A stop and fewer replicas are no change of an accepted spec, so rules don't refuse them.
        accepted = self._decision_input(cr, namespace).accepted
        decision_input, findings = await self._checked(token, {**cr, "spec": spec}, namespace, accepted=accepted)
        violations = decision_input.compliance.violations if decision_input.compliance else ()
        stored = cr.get("spec") or {}
        told = ""
        if not broken_stop.is_only_a_stop(stored, spec):
            refuse_errors(findings)
        elif has_errors(findings):
            _, before = await self._checked(token, cr, namespace, accepted=accepted)
            refuse_errors(broken_stop.new_errors(before, findings))
            told = broken_stop.stored_only(cr)
        elif violations and is_rejected(cr):
            told = broken_stop.stored_only(cr)
        return self._warnings((*(replace(one, severity="warning") for one in violations), *findings)), told

    async def _checked(
        self, token: str, cr: KubeObject, namespace: ProjectNamespace, *, accepted: AcceptedSpec | None
    ) -> tuple[DecisionInput, Sequence[Finding]]:
        """The decision's input for a workload that exists, and all findings."""
        decision_input = self._decision_input(cr, namespace, accepted=accepted)
        decision_input = decision_input.with_children(claim_exists=None, nimservice_exists=has_nimservice(cr))
        return decision_input, await self._findings(token, cr, decision_input)

    def effective_spec(self, cr: KubeObject, namespace: ProjectNamespace) -> KubeObject:
        """The spec with the defaults of policies, as far as the process may read them."""
        policies = self._policies.of_project(namespace)
        spec: KubeObject = own_spec(cr) if policies is None else effective_spec(cr, policies).spec
        return spec

    def _decision_input(
        self, manifest: KubeObject, namespace: ProjectNamespace | None, *, accepted: AcceptedSpec | None = None
    ) -> DecisionInput:
        """The input for what the API server would store; without a namespace that of an unknown project.

        `accepted`: what was accepted before, if that may cover the spec.
        """
        name, labels = (namespace.name, namespace.labels) if namespace else ("", {})
        return make_decision_input(
            to_stored_object(manifest, name),
            settings=self._settings,
            namespace_labels=labels,
            nimservice_schema=self._discovery.nimservice,
            max_findings=MAX_ISSUES + 1,
            policies=self._policies.of_project(namespace) if namespace else None,
            accepted=accepted if accepted and accepted.covers(own_spec(manifest)) else None,
        )

    async def _findings(self, token: str, manifest: KubeObject, decision_input: DecisionInput) -> Sequence[Finding]:
        """All findings. Whether the claim exists is looked up only if the result depends on it."""
        findings = evaluate(manifest, decision_input).findings
        if not any(map(depends_on_claim, findings)):
            return findings
        if not decision_input.given_claim_name and not manifest["metadata"].get("name"):
            exists: bool | None = False  # its name will contain the random suffix of the workload's name
        else:
            exists = await self._claim_exists(token, decision_input)
        nimservice_exists = decision_input.context.nimservice_exists
        known = decision_input.with_children(claim_exists=exists, nimservice_exists=nimservice_exists)
        return evaluate(manifest, known).findings

    async def _claim_exists(self, token: str, decision_input: DecisionInput) -> bool | None:
        """Whether the workload's claim exists; None if the caller may not read it."""
        name = decision_input.claim_name or ""
        if not decision_input.namespace or not syntax.is_object_name(name):
            return None  # another finding reports this
        return await self._api_server.has_claim(token, decision_input.namespace, name)

    def _warnings(self, findings: Iterable[Finding]) -> KubeObject:
        """The field of an answer with the warnings; empty without any."""
        unread = () if self._policies.is_readable else (_UNREAD_POLICIES,)
        warnings = (issue_of(finding) for finding in findings if finding.severity == "warning")
        issues = list(islice(chain(unread, warnings), MAX_ISSUES))
        return {"complianceIssues": issues} if issues else {}

    def _unserved_findings(self, namespace: ProjectNamespace) -> Iterator[Finding]:
        return check_is_served(namespace, self._settings.namespaces, self._settings.project_labels)


def refuse_errors(findings: Iterable[Finding]) -> None:
    """Raise HttpError (400) with the errors among the findings, if there are any."""
    errors = (issue_of(finding) for finding in findings if finding.severity == "error")
    if issues := list(islice(errors, MAX_ISSUES + 1)):
        raise invalid(issues)
