"""Implements the calls of the REST API as requests to the API server with the caller's token.

`rest.model` converts workloads and applies patches; `spec_validation` checks specs; `workload_creation` creates.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, Final

from runai_nim.api import desired_phase, well_known
from runai_nim.api.resources import KubeObject
from runai_nim.config.permissions import Access
from runai_nim.config.settings import Settings
from runai_nim.kube.discovery import Discovery
from runai_nim.rest.api_server import ApiServer, NoAnswerError
from runai_nim.rest.errors import HttpError, from_api_status, not_found, unavailable
from runai_nim.rest.model import broken_stop, gitops_owner
from runai_nim.rest.model.identifier import Identifier, is_uid, parse_identifier
from runai_nim.rest.model.project import ProjectNamespace
from runai_nim.rest.model.spec_patch import Spec, is_same, json_patch
from runai_nim.rest.model.spec_update import SpecUpdate, check_update
from runai_nim.rest.model.workload import identifier_of, workload_of
from runai_nim.rest.namespaces import NamespaceIndex
from runai_nim.rest.policy_index import PolicyIndex
from runai_nim.rest.spec_validation import SpecValidator, refuse_errors
from runai_nim.rest.token_cache import TokenCache
from runai_nim.rest.workload_creation import WorkloadCreation
from runai_nim.rest.workload_index import WorkloadIndex
from runai_nim.rest.write_right import right_before_mistakes

PATCH_TIMEOUT_SECONDS: Final = 10.0
"""How long a PATCH is retried when other clients write the same object."""
_PAUSES: Final = (0.002, 0.2)
"""Seconds before the first retry of a PATCH, and their maximum."""
_SUBJECT: Final = "change this workload"
_Change = Callable[[KubeObject, ProjectNamespace], KubeObject]
"""The spec that a stored object in its namespace gets."""


class WorkloadService:
    """The calls. Each raises HttpError, or NoAnswerError while the API server doesn't answer."""

    def __init__(
        self,
        api_server: ApiServer,
        namespaces: NamespaceIndex,
        policies: PolicyIndex,
        discovery: Discovery,
        *,
        index: WorkloadIndex,
        settings: Settings,
    ) -> None:
        self._api_server = api_server
        self._namespaces = namespaces
        self._index = index
        self._settings = settings
        self._validator = SpecValidator(api_server, namespaces, policies, discovery, settings=settings)
        self._tokens = TokenCache(api_server)
        self._creation = WorkloadCreation(api_server, self._validator, index)

    async def caller(self, token: str) -> str:
        """The user of the token, which is checked before the body is read."""
        return await self._tokens.user_of(token)

    async def create(
        self, token: str, body: Mapping[str, Any], *, key: str | None = None, dry_run: bool = False
    ) -> KubeObject:
        """Create the workload that `body` describes and return it; `key`: the Idempotency-Key."""
        user = await self._tokens.user_of(token)
        namespace, created, warnings = await self._creation.create(token, user, body, key=key, dry_run=dry_run)
        return self._to_workload(created, namespace) | warnings

    async def get(self, token: str, id_: str) -> KubeObject:
        """The workload."""
        namespace, cr = await self._get_stored(token, id_)
        return self._to_workload(cr, namespace)

    async def stored(self, token: str, id_: str) -> tuple[ProjectNamespace, KubeObject]:
        """Namespace and RunaiNimService of the id, for calls about what belongs to it."""
        return await self._get_stored(token, id_)

    def id_of(self, cr: KubeObject) -> str:
        """The id in answers."""
        return self._index.id_of(identifier_of(cr))

    async def update(self, token: str, id_: str, body: Mapping[str, Any], *, dry_run: bool = False) -> KubeObject:
        """Replace and remove the sections in `body`, if that changes anything, and return the workload.

        Raises HttpError (503) if other clients win every conflict.
        """
        refuse_errors(check_update(body))
        update = SpecUpdate.from_body(body)

        def change(cr: KubeObject, namespace: ProjectNamespace) -> KubeObject:
            return self._updated_spec(update, cr, namespace)

        return await self._change(token, id_, change, dry_run=dry_run)

    async def stop(self, token: str, id_: str) -> KubeObject:
        """Stop the workload and return it. Raises HttpError (409) if it is being deleted."""
        return await self._change(token, id_, lambda cr, _: _with_fields(cr, desired_phase.stop))

    async def start(self, token: str, id_: str) -> KubeObject:
        """Start the workload, however it was stopped, and return it. Raises HttpError (409) if it is being deleted."""

        def change(cr: KubeObject, namespace: ProjectNamespace) -> KubeObject:
            # A default of a policy may be what stops it.
            return _with_fields(cr, lambda _: desired_phase.start(self._validator.effective_spec(cr, namespace)))

        return await self._change(token, id_, change)

    async def _change(self, token: str, id_: str, change: _Change, *, dry_run: bool = False) -> KubeObject:
        """The workload, changed if that changes anything."""
        # A write based on an outdated cache entry fails with a conflict; then the stored object is read.
        with suppress(HttpError):
            if changed := await self._try_change(token, id_, change, dry_run=dry_run, from_cache=True):
                return changed
        at = await self._parse_identifier(token, id_)
        access = Access("patch", well_known.GROUP, well_known.PLURAL, at.namespace, at.name)
        async with right_before_mistakes(self._api_server, token, access, _SUBJECT):
            return await self._change_with_retry(token, id_, change, dry_run=dry_run)

    async def _change_with_retry(self, token: str, id_: str, change: _Change, *, dry_run: bool) -> KubeObject:
        until = time.monotonic() + PATCH_TIMEOUT_SECONDS
        pause, longest = _PAUSES
        while True:
            if changed := await self._try_change(token, id_, change, dry_run=dry_run):
                return changed
            if time.monotonic() > until:
                raise unavailable("other clients keep changing this workload")
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # jitter
            pause = min(pause * 2, longest)

    async def _try_change(
        self, token: str, id_: str, change: _Change, *, dry_run: bool, from_cache: bool = False
    ) -> KubeObject | None:
        """The changed workload; None if the change must be retried on the object stored by then."""
        namespace, cr = await self._get_stored(token, id_, from_cache=from_cache)
        spec = change(cr, namespace)
        if is_same(spec, cr.get("spec")):
            return None if from_cache else self._to_workload(cr, namespace)
        warnings, of_stop = await self._validator.validate_change(token, cr, spec, namespace)
        try:
            updated = await self._patch(token, cr, spec, dry_run=dry_run)
        except HttpError as error:
            if of_stop and error.issues:
                raise HttpError(400, broken_stop.not_stored(cr)) from error
            raise
        if updated is None:
            return None
        details = "; ".join(filter(None, (of_stop, gitops_owner.details_of(updated["metadata"]))))
        return {**self._to_workload(updated, namespace), **({"details": details} if details else {}), **warnings}

    def _updated_spec(self, update: SpecUpdate, cr: KubeObject, namespace: ProjectNamespace) -> KubeObject:
        """The spec after the update. Raises HttpError (400) if it would lack a section that was removed."""

        def effective(spec: Spec) -> Spec:
            return self._validator.effective_spec({**cr, "spec": spec}, namespace)

        stored = cr.get("spec") or {}
        spec = update.applied_to(stored, effective)
        refuse_errors(update.check_needed(stored, effective(spec)))
        return spec

    async def delete(self, token: str, id_: str) -> KubeObject:
        """Begin to delete the workload."""
        answer = await self._api_server.delete(token, await self._parse_identifier(token, id_))
        if answer.status == 404:
            raise not_found()
        if answer.status in (403, 409):
            await self._get_stored(token, id_)  # 404 if the caller may not read it, or a later one has the same name
        if answer.status == 409:
            raise unavailable()
        if answer.status not in (200, 202):
            raise from_api_status(answer.status, answer.body, answer.retry_after, "delete this workload")
        return {"code": 202, "message": "the workload is being deleted"}

    async def known_ids(self, ids: Collection[str]) -> frozenset[str]:
        """Those ids that may be of a workload, after one wait for all of them."""
        earlier_form = (id_ for id_ in ids if parse_identifier(id_) is not None)
        return frozenset(earlier_form) | await self._index.known([id_ for id_ in ids if is_uid(id_)])

    async def access_token(self, app_id: str, secret: str) -> str:
        """Return the secret if it is a token of the ServiceAccount in AppId, `<namespace>/<serviceaccount>`."""
        namespace, _, name = app_id.partition("/")
        if await self._tokens.user_of(secret) != f"system:serviceaccount:{namespace}:{name}":
            message = "AppId must be <namespace>/<serviceaccount> of the token in AppSecret: correct one of them"
            raise HttpError(401, message)
        return secret

    async def _get_stored(
        self, token: str, id_: str, *, from_cache: bool = False
    ) -> tuple[ProjectNamespace, KubeObject]:
        """Namespace and object of the id. Raises the same HttpError (404) if it doesn't exist or may not be read."""
        at = await self._parse_identifier(token, id_)
        answer = await self._api_server.get(token, at, cached=from_cache)
        if answer.status in (403, 404) or (answer.status == 200 and answer.body["metadata"]["uid"] != at.uid):
            raise not_found()
        if answer.status != 200:
            raise from_api_status(answer.status, answer.body, answer.retry_after, "read this workload")
        return await self._namespaces.get(at.namespace), answer.body

    async def _parse_identifier(self, token: str, id_: str) -> Identifier:
        """What the id identifies. For an unknown one, raises HttpError: 401 with an invalid token, else 404."""
        at = parse_identifier(id_)
        if at is None:
            await self._tokens.user_of(token)
            at = await self._index.find(id_) if is_uid(id_) else None
        if at is None:
            raise not_found()
        return at

    async def _patch(self, token: str, cr: KubeObject, spec: KubeObject, *, dry_run: bool) -> KubeObject | None:
        """The changed object; None if the change must be retried on the object stored by then."""
        operations = json_patch(cr, spec, {well_known.UPDATED_BY: await self._tokens.user_of(token)})
        try:
            answer = await self._api_server.patch(token, identifier_of(cr), operations, dry_run=dry_run)
        except NoAnswerError:
            return None
        if answer.status == 404:
            raise not_found()
        if answer.status not in (200, 409):
            raise from_api_status(answer.status, answer.body, answer.retry_after, _SUBJECT)
        return answer.body if answer.status == 200 else None

    def _to_workload(self, cr: KubeObject, namespace: ProjectNamespace) -> KubeObject:
        spec = self._validator.effective_spec(cr, namespace)
        id_ = self.id_of(cr)
        cluster_id = self._namespaces.cluster_id
        return workload_of(cr, spec, namespace, id_=id_, settings=self._settings, cluster_id=cluster_id)


def _with_fields(cr: KubeObject, fields: Callable[[Spec], Spec]) -> KubeObject:
    """The stored spec with the fields that stop or start it."""
    if "deletionTimestamp" in cr["metadata"]:
        raise HttpError(409, "the workload is being deleted: nothing is changed")
    spec = cr.get("spec") or {}
    return {**spec, **fields(spec)}
