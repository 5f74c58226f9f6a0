"""Implements the policy calls of the REST API, with the caller's token.

`rest.model` finds the object of a scope, reads bodies and makes answers.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.resources import KubeObject
from runai_nim.config.settings import Settings
from runai_nim.domain.admission.policy_schema import read_policy
from runai_nim.domain.policy import CompiledPolicies, Policy, Scope
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding
from runai_nim.rest.api_server import ApiResponse, ApiServer
from runai_nim.rest.errors import MAX_ISSUES, HttpError, from_api_status, invalid, unavailable
from runai_nim.rest.model import gitops_owner, policy_body
from runai_nim.rest.model.compliance import issue_of
from runai_nim.rest.model.policy_answer import policy_answer
from runai_nim.rest.model.policy_target import PolicyTarget, check_place, scope_of, target_of
from runai_nim.rest.model.project import ProjectNamespace, check_is_served
from runai_nim.rest.model.spec_patch import is_same, json_patch
from runai_nim.rest.namespaces import NamespaceIndex
from runai_nim.rest.policy_index import PolicyIndex
from runai_nim.rest.write_right import right_before_mistakes

_ATTEMPTS: Final = 2
"""Writes of one call: a second one if another client wins the first conflict."""
_MAX_WAITING: Final = 32
"""Writes that may wait until their policy is checked."""
_PAUSE_FACTOR: Final = 3
"""Length of the pause after a check, by how long the check took: checks use a quarter of the time at most."""
_META: Final = "meta."
_SUBJECT: Final = "change the policy of this scope"


@dataclass(frozen=True, slots=True)
class _Change:
    """A checked change of a scope's policy: the object to write, and others that it puts out of force."""

    manifest: KubeObject
    stored: KubeObject | None
    displaced: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        """Whether the stored object differs."""
        if self.stored is None:
            return True
        annotations = self.stored["metadata"].get("annotations") or {}
        own = self.manifest["metadata"]["annotations"]
        is_named = annotations.get(policy_body.NAME_ANNOTATION) == own[policy_body.NAME_ANNOTATION]
        return not (is_named and is_same(self.manifest["spec"], self.stored["spec"]))


class PolicyService:
    """The calls. Each raises HttpError, or NoAnswerError while the API server doesn't answer."""

    def __init__(
        self,
        api_server: ApiServer,
        namespaces: NamespaceIndex,
        policies: PolicyIndex,
        settings: Settings,
        *,
        caller: Callable[[str], Awaitable[str]],
    ) -> None:
        self._api_server = api_server
        self._namespaces = namespaces
        self._policies = policies
        self._settings = settings
        self._caller = caller
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def get(self, token: str, query: Mapping[str, str]) -> KubeObject:
        """The policy of a scope, and the effective one."""
        target = await self._target_of_query(token, query)
        stored = await self._stored(token, target, "read the policy of this scope")
        answer = self._answer(target, stored)
        if answer["policy"] is None and answer["effective"] is None:
            raise _no_policy(target)
        return answer

    async def put(self, token: str, body: Mapping[str, Any], *, validate_only: bool) -> KubeObject:
        """Create or replace the policy of a scope."""
        target = await self._target_of_body(token, body, policy_body.check_put(body))

        def content(_: KubeObject | None) -> KubeObject:
            return policy_body.content_of(body)

        return await self._write(token, target, body, content=content, validate_only=validate_only)

    async def patch(self, token: str, body: Mapping[str, Any], *, validate_only: bool) -> KubeObject:
        """Change defaults and rules of the policy of a scope."""
        target = await self._target_of_body(token, body, policy_body.check_patch(body))

        def content(stored: KubeObject | None) -> KubeObject:
            if stored is None:
                raise _no_policy(target)
            return policy_body.patched_content(stored["spec"], body)

        return await self._write(token, target, body, content=content, validate_only=validate_only)

    async def delete(self, token: str, query: Mapping[str, str]) -> None:
        """Delete the policy of a scope."""
        target = await self._target_of_query(token, query)
        stored = await self._stored(token, target, "delete the policy of this scope")
        if stored is None:
            raise _no_policy(target)
        answer = await self._api_server.remove(token, target.path, stored["metadata"]["uid"])
        if answer.status == 404:
            raise _no_policy(target)
        if answer.status not in (200, 202):
            raise _refused(answer, "delete the policy of this scope")

    async def _target_of_query(self, token: str, query: Mapping[str, str]) -> PolicyTarget:
        """The scope in a query. Raises HttpError: 400 for a malformed one, 404 for an unknown project."""
        await self._caller(token)
        project = await self._project(query)
        _refuse(check_place(query, "", self._settings, self._namespaces.cluster_id))
        if isinstance(project, Finding):
            raise HttpError(404, replace(project, path="projectId").message)
        return target_of(query, project, self._settings)

    async def _target_of_body(self, token: str, body: Mapping[str, Any], findings: Iterable[Finding]) -> PolicyTarget:
        """The scope in a body. Raises HttpError (400) with all mistakes around defaults and rules."""
        await self._caller(token)
        meta = policy_body.meta_of(body)
        project = await self._project(meta)
        _refuse(self._body_findings(meta, project, findings))
        if isinstance(project, Finding):
            raise AssertionError("a project that isn't found is an error")
        return target_of(meta, project, self._settings)

    def _body_findings(
        self, meta: Mapping[str, Any], project: ProjectNamespace | Finding | None, findings: Iterable[Finding]
    ) -> Iterator[Finding]:
        yield from findings
        yield from check_place(meta, _META, self._settings, self._namespaces.cluster_id)
        if not self._policies.serves_all and scope_of(meta) in (Scope.CLUSTER, Scope.DEPARTMENT):
            must = "be project, the operator serves listed namespaces only and reads no policies of the cluster"
            remedy = "use scope project, or ask an administrator to empty the setting namespaces"
            yield Finding(reason=Reason.NOT_CONFIGURED, path=f"{_META}scope", must=must, remedy=remedy)
        if isinstance(project, Finding):
            yield replace(project, path=f"{_META}projectId")
        elif project is not None:
            for finding in check_is_served(project, self._settings.namespaces, self._settings.project_labels):
                yield replace(finding, path=f"{_META}projectId")

    async def _project(self, place: Mapping[str, Any]) -> ProjectNamespace | Finding | None:
        """The namespace of scope project; None in another scope, and without an id."""
        if scope_of(place) != Scope.PROJECT or place.get("projectId") is None:
            return None
        return await self._namespaces.find(place["projectId"])

    async def _stored(self, token: str, target: PolicyTarget, subject: str) -> KubeObject | None:
        """The object of a scope; None if there is none."""
        answer = await self._api_server.read(token, target.path)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _refused(answer, subject)
        return answer.body if target.is_object(answer.body) else None

    async def _write(
        self,
        token: str,
        target: PolicyTarget,
        body: Mapping[str, Any],
        *,
        content: Callable[[KubeObject | None], KubeObject],
        validate_only: bool,
    ) -> KubeObject:
        name = policy_body.meta_of(body).get("name")
        user = await self._caller(token)
        for _ in range(_ATTEMPTS):
            stored = await self._stored(token, target, _SUBJECT)
            manifest = policy_body.manifest_of(target, content(stored), name, stored)
            async with right_before_mistakes(self._api_server, token, target.write_access(stored), _SUBJECT):
                change = _Change(manifest, stored, await self._check_in_turn(target, manifest))
            written = await self._send(token, target, change, user=user, validate_only=validate_only)
            if written is not None:
                return self._answer(target, written) | _details(written, change.displaced)
        message = f"the policy of {target.title} was changed at the same time, or its object {target.name} is for"
        raise HttpError(409, f"{message} another scope: read it, and try again")

    async def _check_in_turn(self, target: PolicyTarget, manifest: KubeObject) -> tuple[str, ...]:
        """`_check`, one at a time, with pauses: comparing many large policies takes a tenth of a second."""
        if self._waiting >= _MAX_WAITING:
            raise unavailable("too many policies are being checked")
        self._waiting += 1
        try:
            async with self._turn:
                started = time.perf_counter()
                try:
                    return self._check(target, manifest)
                finally:
                    await asyncio.sleep(_PAUSE_FACTOR * (time.perf_counter() - started))
        finally:
            self._waiting -= 1

    def _check(self, target: PolicyTarget, manifest: KubeObject) -> tuple[str, ...]:
        """What the policy puts out of force. Raises HttpError (400) for contradictions, also with policies in force."""
        policy, findings = read_policy(manifest, target.namespace)
        _refuse(map(policy_body.for_body, findings))
        if policy is None:
            raise AssertionError("a policy that can't be read has an error")
        if not self._policies.is_readable:
            return ()
        before = self._policies.with_policy(target.key, None, target.namespace, target.labels)
        after = self._policies.with_policy(target.key, policy, target.namespace, target.labels)
        _refuse(policy_body.for_body(one.finding) for one in after.rejected if one.policy == policy)
        known = {one.policy for one in before.rejected}
        return tuple(
            f"{one.policy.title} is no longer in force: {one.finding.message}"
            for one in after.rejected
            if one.policy not in known
        )

    async def _send(
        self, token: str, target: PolicyTarget, change: _Change, *, user: str, validate_only: bool
    ) -> KubeObject | None:
        """The written object; None if another client was faster."""
        stored = change.stored
        if stored is not None and not change.is_needed:
            return stored
        annotations = change.manifest["metadata"]["annotations"]
        if stored is None:
            created = {**change.manifest["metadata"], "annotations": {**annotations, well_known.CREATED_BY: user}}
            path = target.resource.path(target.namespace)
            written: Any = {**change.manifest, "metadata": created}
        else:
            path = target.path
            written = json_patch(stored, change.manifest["spec"], {**annotations, well_known.UPDATED_BY: user})
        answer = await self._api_server.write(token, path, written, dry_run=validate_only)
        if answer.status == 409 or (answer.status == 404 and stored is not None):
            return None
        if answer.status == 404:
            raise unavailable(f"the kind {target.resource.kind} or the project's namespace doesn't exist")
        if answer.status not in (200, 201):
            raise _refused(answer, _SUBJECT)
        if not validate_only:
            self._policies.store_own_write(target.resource, answer.body)
        return answer.body

    def _answer(self, target: PolicyTarget, stored: KubeObject | None) -> KubeObject:
        """The answer for a stored object. Of an invalid one the last valid version is in force."""
        policy: Policy | None = None
        if stored is not None:
            policy = read_policy(stored, target.namespace)[0] or self._policies.last_valid(target.key)
        compiled = self._in_force(target, policy)
        return policy_answer(
            target,
            stored,
            compiled.policies,
            updated_at=self._policies.updated_at(compiled.policies),
            settings=self._settings,
            cluster_id=self._namespaces.cluster_id,
        )

    def _in_force(self, target: PolicyTarget, policy: Policy | None) -> CompiledPolicies:
        return self._policies.with_policy(target.key, policy, target.namespace, target.labels)


def _details(written: KubeObject, displaced: tuple[str, ...]) -> dict[str, str]:
    """The field of an answer with warnings; empty without any."""
    owner = gitops_owner.details_of(written["metadata"], "policy")
    warnings = [*displaced, *([owner] if owner else ())]
    return {"details": "; ".join(warnings)} if warnings else {}


def _no_policy(target: PolicyTarget) -> HttpError:
    return HttpError(404, f"{target.title} has no policy: create it by PUT")


def _refused(answer: ApiResponse, subject: str) -> HttpError:
    """The error for a refusal by the API server, with the paths that the body has."""
    error = from_api_status(answer.status, answer.body, answer.retry_after, subject)
    if not error.issues:
        return error
    return invalid([{**issue, "field": f"policy.{issue['field']}"} for issue in error.issues])


def _refuse(findings: Iterable[Finding]) -> None:
    """Raise HttpError (400) if there is an error among the findings."""
    issues = [issue_of(finding) for finding in findings if finding.severity == "error"]
    if issues:
        raise invalid(issues[: MAX_ISSUES + 1])
