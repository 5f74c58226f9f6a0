"""What policies gave a spec that was accepted → ControllerRevision, which keeps it while the policies change."""

from collections.abc import Mapping
from typing import Any

from runai_nim.api import well_known
from runai_nim.domain import names
from runai_nim.domain.policy import AcceptedSpec, Policy
from runai_nim.domain.translate.owner import OwnerResource


def make_policy_revision(metadata: Mapping[str, Any], accepted: AcceptedSpec | None) -> dict[str, Any] | None:
    """The ControllerRevision of an accepted spec; its data can't be changed, so its name has a hash of them.

    And of the owner: with `kubectl delete --cascade=orphan` those of an earlier RunaiNimService stay.
    """
    if accepted is None:
        return None
    data = {
        "digest": accepted.digest,
        "phase": accepted.phase,
        "ownReplicas": accepted.own_replicas,
        "replicas": accepted.replicas,
        "policies": [_as_json(policy) for policy in accepted.policies],
    }
    owner = OwnerResource.of(metadata)
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": names.policy_revision_name(owner.name, {**data, "owner": owner.reference["uid"]}),
            "namespace": owner.namespace,
            "labels": {well_known.SERVICE_LABEL: owner.name},
            "ownerReferences": [owner.reference],
        },
        "data": {name: value for name, value in data.items() if value is not None},
        "revision": 1,
    }


def _as_json(policy: Policy) -> dict[str, Any]:
    content = {
        "name": policy.name,
        "namespace": policy.namespace,
        "scope": str(policy.scope),
        "defaults": policy.defaults,
        "rules": policy.rules,
    }
    return {name: value for name, value in content.items() if value}
