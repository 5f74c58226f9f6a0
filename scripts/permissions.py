"""The table of permissions as RBAC rules: for the manifest that the local cluster applies, and for the chart."""

import textwrap
from collections.abc import Iterable, Iterator

from runai_nim.api.resources import PRIORITY_CLASSES
from runai_nim.config.permissions import PERMISSIONS, REST_PERMISSIONS, Permission

HEADER = "# Generated from operator/runai_nim/config/permissions.py by scripts/generate.py. Do not edit.\n"
NAME = "runai-nim-operator"
NAMESPACE = "runai-nim-system"
SERVICE_ACCOUNT = f"""apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {NAME}
  namespace: {NAMESPACE}
"""


def cluster_rules_text() -> str:
    """Return the rules that hold in every namespace, as a YAML list."""
    return HEADER + _rules("cluster")


def listed_rules_text() -> str:
    """Return the rules that hold in each namespace where these are listed, as a YAML list."""
    rules = (
        _rule(permission, permission.listed_namespace_verbs)
        for permission in PERMISSIONS
        if permission.scope == "cluster" and permission.listed_namespace_verbs
    )
    return HEADER + "".join(rules)


def own_namespace_rules_text() -> str:
    """Return the rules that hold in the operator's own namespace, as a YAML list."""
    return HEADER + _rules("own namespace")


def rest_rules_text() -> str:
    """Return the rules of the REST API's process, as a YAML list."""
    return HEADER + "".join(_rule(permission, permission.verbs) for permission in REST_PERMISSIONS)


def rbac_text() -> str:
    """Return everything that lets the operator run as a ServiceAccount of its own, as a manifest."""
    cluster_wide = _bound("ClusterRole", _rules("cluster"), "")
    own_namespace = _bound("Role", _rules("own namespace"), NAMESPACE)
    return HEADER + "---\n".join((SERVICE_ACCOUNT, *cluster_wide, *own_namespace))


def page_text() -> str:
    """Return every permission and what it is for as a page."""
    return f"""<!-- Generated from operator/runai_nim/config/permissions.py by scripts/generate.py. Do not edit. -->

# What the operator may do

{_places()}

At its start, and whenever something was forbidden, the operator asks whether it has each of them. What is missing is a
line of the log (`permission missing`), a metric (`runai_nim_permission_missing`) and a line of `/readyz`, which is
503 meanwhile; a rollout waits then, and the pods of before go on. The operator does what it may do in the meantime, and
takes up what it is given later by itself.

{_optional()}

{_table(PERMISSIONS)}
# What the REST API may do

In its own name, with the chart's value `rest.enabled`. Every workload it reads and writes with its caller's token, and
so with the caller's permissions.

{_table(REST_PERMISSIONS)}"""


def _places() -> str:
    """Where the permissions hold, and which ones are others where namespaces are listed."""
    found = [permission for permission in PERMISSIONS if permission.listed_scope_verbs is not None]
    fewer = [f"{' and '.join(one.listed_namespace_verbs)} on {one.resource}" for one in found if one.listed_scope_verbs]
    none = ", ".join(one.resource for one in found if not one.listed_scope_verbs)
    differing = " and ".join([*fewer, f"nothing on {none}"])
    text = (
        "This and nothing else; [deploy/rbac.yaml](../../deploy/rbac.yaml) and the chart are written from the same"
        " table. Where listed namespaces are served (setting `namespaces`) it needs the same in each of them by a Role,"
        f" but {differing}, and no ClusterRole. What every user may do is not in it: read the discovery documents, and"
        " ask for its own permissions."
    )
    return textwrap.fill(text, 118, break_on_hyphens=False, break_long_words=False)


def _optional() -> str:
    """The permissions without which the operator serves all the same."""
    by_name = ", ".join(
        one.resource for one in PERMISSIONS if "get" in one.optional and one.resource != PRIORITY_CLASSES.plural
    )
    others = f"list on {_resources_without('list')}, and watch on {_resources_without('watch')}"
    texts = (
        f"It serves without get on {by_name}, and `/readyz` is 200 then: it can't see whether somebody else's object"
        " has a name that the NIM Operator would take, and writes the NIMService all the same.",
        f"It also serves without {others}: the status then says less of what is stuck, and of autoscaling.",
        f"It serves without get on {PRIORITY_CLASSES.plural}, too: the status then doesn't warn of a priority that the"
        " scheduler ignores.",
    )
    return "\n\n".join(textwrap.fill(text, 118) for text in texts)


def _resources_without(verb: str) -> str:
    """Resources on which the operator can do without this verb."""
    return ", ".join(permission.resource for permission in PERMISSIONS if verb in permission.optional)


def _table(permissions: Iterable[Permission]) -> str:
    rows = "".join(
        f"| {permission.group or 'core'} | {permission.resource}{f' `{permission.name}`' if permission.name else ''} |"
        f" {', '.join(permission.verbs)} | {permission.why} |"
        f" {'every namespace' if permission.scope == 'cluster' else 'its own namespace'} |\n"
        for permission in permissions
    )
    return f"| group | resource | verbs | what for | where |\n| --- | --- | --- | --- | --- |\n{rows}"


def _bound(kind: str, rules: str, namespace: str) -> Iterator[str]:
    """A role and what binds it to the ServiceAccount."""
    metadata = f"metadata:\n  name: {NAME}\n" + (f"  namespace: {namespace}\n" if namespace else "")
    yield f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\n{metadata}rules:\n{textwrap.indent(rules, '  ')}"
    yield f"""apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}Binding
{metadata}roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {kind}
  name: {NAME}
subjects:
  - kind: ServiceAccount
    name: {NAME}
    namespace: {NAMESPACE}
"""


def _rules(scope: str) -> str:
    return "".join(_rule(permission, permission.verbs) for permission in PERMISSIONS if permission.scope == scope)


def _rule(permission: Permission, verbs: Iterable[str]) -> str:
    why = textwrap.fill(permission.why, 110, initial_indent="# ", subsequent_indent="# ")
    return f"""{why}
- apiGroups: [{permission.group or '""'}]
  resources: [{permission.resource}]
{f"  resourceNames: [{permission.name}]{chr(10)}" if permission.name else ""}  verbs: [{", ".join(verbs)}]
"""
