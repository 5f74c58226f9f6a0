"""Creates RunaiNimServices with the caller's token, one for a POST that is repeated.

The API server refuses a second object of a name; the annotation of the first tells whether the same POST created it.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.resources import KubeObject
from runai_nim.rest.api_server import ApiResponse, ApiServer, NoAnswerError
from runai_nim.rest.errors import HttpError, from_api_status, unavailable
from runai_nim.rest.model.creation_origin import (
    SUFFIX_CHARACTERS,
    SUFFIX_LENGTH,
    CreationOrigin,
    Relation,
    origin_of,
)
from runai_nim.rest.model.identifier import Identifier
from runai_nim.rest.model.project import ProjectNamespace
from runai_nim.rest.pending_creates import PendingCreates
from runai_nim.rest.spec_validation import CREATION, SpecValidator
from runai_nim.rest.workload_index import WorkloadIndex

_CREATED: Final = 201
_REFUSED: Final = (403, 409)
"""Status codes for a name that exists. Admission is asked before the name is compared, so a quota that the first POST
has used up refuses a repeated one."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An object to create, and what it is created from. `may_exist`: an earlier call may have created it."""

    manifest: KubeObject
    origin: CreationOrigin
    may_exist: bool
    dry_run: bool

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def has_prefix(self) -> bool:
        """Whether the name is a given prefix with a suffix."""
        return "generateName" in self.manifest["metadata"]

    @property
    def has_random_name(self) -> bool:
        """Whether nothing but the name itself leads to the object."""
        return self.has_prefix and not self.origin.key


class WorkloadCreation:
    """Creates. Methods raise HttpError, or NoAnswerError while the API server doesn't answer."""

    def __init__(self, api_server: ApiServer, validator: SpecValidator, index: WorkloadIndex) -> None:
        self._api_server = api_server
        self._validator = validator
        self._index = index
        self._pending = PendingCreates()

    async def create(
        self, token: str, user: str, body: Mapping[str, Any], *, key: str | None, dry_run: bool
    ) -> tuple[ProjectNamespace, KubeObject, KubeObject]:
        """Create what `body` describes; `key`: the Idempotency-Key. Returns its namespace, it, and the warnings' field.

        With `dry_run` nothing is stored, and the uid is none of a stored object.
        """
        namespace, manifest, warnings = await self._validator.manifest_of(token, body)
        attempt = self._attempt(user, manifest, key, dry_run=dry_run)
        created = await self._create_with_retry(token, attempt)
        if not dry_run:
            self._index.store_own_write(created)
        return namespace, created, warnings

    def _attempt(self, user: str, manifest: KubeObject, key: str | None, *, dry_run: bool) -> _Attempt:
        origin = origin_of(user, manifest, key)
        metadata = manifest["metadata"]
        prefix = metadata.get("generateName")
        pending_name = self._pending.take(origin) if prefix and not key and not dry_run else None
        suffix = origin.suffix if key else _random_suffix()
        annotations = {well_known.CREATED_BY: user, well_known.IDEMPOTENCY_KEY: origin.annotation}
        named = {**metadata, "name": pending_name or (prefix + suffix if prefix else metadata["name"])}
        return _Attempt(
            {**manifest, "metadata": {**named, "annotations": annotations}},
            origin,
            may_exist=pending_name is not None or key is not None or not prefix,
            dry_run=dry_run,
        )

    async def _create_with_retry(self, token: str, attempt: _Attempt) -> KubeObject:
        for may_exist in (attempt.may_exist, True):
            try:
                return await self._create(token, attempt, may_exist=may_exist)
            except NoAnswerError as error:
                last_error = error
        if attempt.has_random_name and not attempt.dry_run:
            self._pending.keep(attempt.origin, attempt.name)
        raise last_error

    async def _create(self, token: str, attempt: _Attempt, *, may_exist: bool) -> KubeObject:
        """The created object, or the one that the same POST created before."""
        answer = await self._api_server.create(token, attempt.manifest, dry_run=attempt.dry_run)
        if answer.status == _CREATED:
            return answer.body
        existing = await self._existing(token, attempt) if may_exist and answer.status in _REFUSED else None
        if existing is not None:
            relation = _relation(existing, attempt)
            is_going = "deletionTimestamp" in existing["metadata"]
            if relation == Relation.REPEATED and not is_going:
                return existing
            if answer.status == 409:
                raise _name_taken(attempt, relation, is_going=is_going)
        raise _refusal(answer, attempt)

    async def _existing(self, token: str, attempt: _Attempt) -> KubeObject | None:
        """The object of that name; None if there is none, or the caller may not read it."""
        namespace = attempt.manifest["metadata"]["namespace"]
        answer = await self._api_server.get(token, Identifier(namespace, attempt.name, ""))
        return answer.body if answer.status == 200 else None


def _random_suffix() -> str:
    return "".join(secrets.choice(SUFFIX_CHARACTERS) for _ in range(SUFFIX_LENGTH))


def _relation(existing: KubeObject, attempt: _Attempt) -> Relation:
    annotations = existing["metadata"].get("annotations") or {}
    return attempt.origin.relation_to(annotations.get(well_known.IDEMPOTENCY_KEY))


def _name_taken(attempt: _Attempt, relation: Relation, *, is_going: bool) -> HttpError:
    """The error where another object has the name, or one that can't be the answer."""
    name = attempt.name
    if attempt.has_random_name:
        return unavailable()
    if is_going:
        message = f'the workload "{name}" of this project is still being deleted: try again when it is gone'
    elif relation == Relation.KEY_REUSED:
        message = f'this Idempotency-Key created the workload "{name}" from another body: send a new key'
    elif attempt.has_prefix:
        message = f'this Idempotency-Key leads to metadata.name "{name}", which already exists: send another key'
    else:
        message = f'metadata.name is "{name}", which already exists: choose another name'
    return HttpError(409, message)


def _refusal(answer: ApiResponse, attempt: _Attempt) -> HttpError:
    """The error for a refusal by the API server."""
    if answer.status == 409 and answer.body.get("reason") == "AlreadyExists":
        return _name_taken(attempt, Relation.UNRELATED, is_going=False)
    if answer.status == 409:  # for example a conflict on a ResourceQuota
        return unavailable()
    if answer.status == 404:
        return unavailable("the kind RunaiNimService or the project's namespace doesn't exist")
    return from_api_status(answer.status, answer.body, answer.retry_after, CREATION)
