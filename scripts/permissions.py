"""The table of permissions as RBAC rules: for the manifest that the local cluster applies, and for the chart."""

import textwrap
from collections.abc import Iterator

from runai_nim.permissions import PERMISSIONS, Permission

HEADER = "# Generated from operator/runai_nim/permissions.py by scripts/generate.py. Do not edit.\n"
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


def own_namespace_rules_text() -> str:
    """Return the rules that hold in the operator's own namespace, as a YAML list."""
    return HEADER + _rules("own namespace")


def rbac_text() -> str:
    """Return everything that lets the operator run as a ServiceAccount of its own, as a manifest."""
    cluster_wide = _bound("ClusterRole", _rules("cluster"), "")
    own_namespace = _bound("Role", _rules("own namespace"), NAMESPACE)
    return HEADER + "---\n".join((SERVICE_ACCOUNT, *cluster_wide, *own_namespace))


def page_text() -> str:
    """Return every permission and what it is for as a page."""
    rows = "\n".join(
        f"| {permission.group or 'core'} | {permission.resource} | {', '.join(permission.verbs)} | {permission.why} |"
        f" {'every namespace' if permission.scope == 'cluster' else 'its own namespace'} |"
        for permission in PERMISSIONS
    )
    return f"""<!-- Generated from operator/runai_nim/permissions.py by scripts/generate.py. Do not edit. -->

# What the operator may do

This and nothing else; [deploy/rbac.yaml](../../deploy/rbac.yaml) and the chart are written from the same table.

| group | resource | verbs | what for | where |
| --- | --- | --- | --- | --- |
{rows}
"""


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
    return "".join(_rule(permission) for permission in PERMISSIONS if permission.scope == scope)


def _rule(permission: Permission) -> str:
    why = textwrap.fill(permission.why, 110, initial_indent="# ", subsequent_indent="# ")
    return f"""{why}
- apiGroups: [{permission.group or '""'}]
  resources: [{permission.resource}]
  verbs: [{", ".join(permission.verbs)}]
"""
