"""Permissions in tests: which ones were used or denied, from the audit log, and removal of single ones."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from local.audit import Request
from local.cluster import OPERATOR_NAMESPACE, OPERATOR_USER, LocalCluster
from local.objects import wait_for
from runai_nim.api import well_known
from runai_nim.config.permissions import PERMISSIONS

ROLE = "runai-nim-operator"
_DENIED = re.compile(r'cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"')
_FINALIZERS = "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on"
_DELETE = "cannot set an ownerRef on a resource you can't delete"


class Permission(NamedTuple):
    """One verb on one resource, `pods` or `pods/log`."""

    verb: str
    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.verb}-{self.resource}"


TABLE = sorted({Permission(verb, one.group, one.resource) for one in PERMISSIONS for verb in one.verbs})
"""What the operator's roles allow."""


def asked_for(request: Request) -> set[Permission]:
    """What a request takes; nothing where it is for no resource, but a document."""
    if not request.resource:
        return set()
    resource = "/".join(part for part in (request.resource, request.subresource) if part)
    # A server-side apply of what isn't there is a create too.
    verbs = {request.verb} | ({"create"} if request.verb == "patch" and request.code == 201 else set())
    return {Permission(verb, request.group, resource) for verb in verbs}


def denied(request: Request) -> Permission | None:
    """The missing permission of a forbidden request; None for any other outcome."""
    if request.code != 403:
        return None
    if _FINALIZERS in request.message:
        return Permission("update", well_known.GROUP, f"{well_known.PLURAL}/finalizers")
    if _DELETE in request.message:
        return Permission("delete", request.group, request.resource)
    if not request.message:  # so in the audit log where nothing but an object's metadata was asked for
        return Permission(request.verb, request.group, request.resource)
    found = _DENIED.search(request.message)
    return found and Permission(found["verb"], found["group"], found["resource"])


@contextmanager
def taken_away(cluster: LocalCluster, *permissions: Permission) -> Iterator[None]:
    """Context in which the operator's roles lack these permissions."""
    for role in (("clusterrole", ROLE), ("role", ROLE, f"--namespace={OPERATOR_NAMESPACE}")):
        rules = json.loads(cluster.kubectl("get", *role, "--output=json"))["rules"]
        left = json.dumps({"rules": [kept for rule in rules if (kept := _without(rule, permissions))["verbs"]]})
        cluster.kubectl("patch", *role, "--type=merge", f"--patch={left}")
    wait_for(lambda: not any(_allowed(cluster, permission) for permission in permissions))
    try:
        yield
    finally:
        cluster.apply_manifests()
        wait_for(lambda: all(_allowed(cluster, permission) for permission in permissions))


def _without(rule: dict[str, Any], permissions: tuple[Permission, ...]) -> dict[str, Any]:
    (group,), (resource,) = rule["apiGroups"], rule["resources"]
    return {**rule, "verbs": [verb for verb in rule["verbs"] if Permission(verb, group, resource) not in permissions]}


def _allowed(cluster: LocalCluster, permission: Permission) -> bool:
    # Of Leases it has its own alone.
    return may(cluster, permission, well_known.FIELD_MANAGER if permission.resource == "leases" else "")


def may(cluster: LocalCluster, permission: Permission, name: str) -> bool:
    """Whether the operator may do this to the object with that name (empty: all) in the object's namespace."""
    resource, _, subresource = permission.resource.partition("/")
    about = {"resource": resource, "subresource": subresource, "name": name}
    attributes = {"group": permission.group, "verb": permission.verb, **about}
    namespace = OPERATOR_NAMESPACE if resource == "leases" else ""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": OPERATOR_USER, "resourceAttributes": {**attributes, "namespace": namespace}},
    }
    answer = cluster.kubectl("create", "--filename=-", "--output=json", stdin=json.dumps(review))
    return bool(json.loads(answer)["status"]["allowed"])
