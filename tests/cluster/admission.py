"""An administrator's rules for one namespace, as a ValidatingAdmissionPolicy of the real API server."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from kubernetes.dynamic.exceptions import DynamicApiError

from local.objects import Object, Objects, wait_for

VERSION = "admissionregistration.k8s.io/v1"


@contextmanager
def refusing(
    objects: Objects, resource: str, operations: list[str], rules: Mapping[str, str], probe: Callable[[], object]
) -> Iterator[None]:
    """Refuse with 403 what a rule (message: CEL expression) is false for; `probe` does what is refused then.

    resource: `<plural>.<group>`. The API server takes up a policy within seconds.
    """
    name = f"test-{objects.namespace}"
    plural, _, group = resource.partition(".")
    rule = {"apiGroups": [group], "apiVersions": ["*"], "resources": [plural], "operations": operations}
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": objects.namespace}},
            "resourceRules": [rule],
        },
        "validations": [{"expression": cel, "message": said, "reason": "Forbidden"} for said, cel in rules.items()],
    }
    policy: Object = {"apiVersion": VERSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}}
    bound = {"policyName": name, "validationActions": ["Deny"]}
    objects.apply({**policy, "spec": spec})
    objects.apply({**policy, "kind": "ValidatingAdmissionPolicyBinding", "spec": bound})
    try:
        wait_for(lambda: _is_refused(probe, rules), 30)
        yield
    finally:
        objects.delete(f"{VERSION} ValidatingAdmissionPolicyBinding", name)
        objects.delete(f"{VERSION} ValidatingAdmissionPolicy", name)


def _is_refused(probe: Callable[[], object], rules: Mapping[str, str]) -> bool:
    try:
        probe()
    except DynamicApiError as refused:
        return any(said in refused.summary() for said in rules)
    return False
