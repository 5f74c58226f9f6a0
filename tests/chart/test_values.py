"""Values that can't be right are refused with a sentence, before anything is installed."""

import copy
import subprocess
from typing import Any

import pytest

from tests.chart.conftest import IMAGE, RELEASE, Render

pytestmark = pytest.mark.chart


def changed(path: str, value: Any) -> dict[str, Any]:
    """Values that are right but for one."""
    values: dict[str, Any] = copy.deepcopy(IMAGE)
    *above, last = path.split(".")
    place = values
    for name in above:
        place = place.setdefault(name, {})
    place[last] = value
    return values


BAD = [
    ("image.repository", "", 'image.repository is "" but must name the operator\'s image'),
    ("image.digest", "sha256:12", "at '/image/digest': 'sha256:12' does not match pattern"),
    ("image.registry", "x", "additional properties 'registry' not allowed"),
    ("repicas", 2, "additional properties 'repicas' not allowed"),
    ("replicas", 0, "at '/replicas': minimum: got 0, want 1"),
    ("replicas", "two", "at '/replicas': got string, want integer"),
    ("crds.keep", "no", "at '/crds/keep': got string, want boolean"),
    ("settings.worker", 4, "additional properties 'worker' not allowed"),
    ("settings.workers", 500, "at '/settings/workers': maximum: got 500, want 256"),
    ("settings.dialect", "slurm", "at '/settings/dialect': value must be one of 'runai', 'kai'"),
    ("settings.backoff_max_seconds", 0, "at '/settings/backoff_max_seconds': exclusiveMinimum"),
    ("settings.proxy", {"htp": "x"}, "additional properties 'htp' not allowed"),
    ("settings.startup_probe", {"failure_threshold": 0}, "at '/settings/startup_probe/failure_threshold': minimum"),
    ("settings.priority_classes", {"urgent": "x"}, "'urgent'"),
    ("settings.leader_election", False, 'settings.leader_election is "false" but must be true'),
    ("settings.lease_namespace", "other", 'settings.lease_namespace is "other" but must be the release\'s namespace'),
    ("settings.external_mode", "ingress", 'settings.external_domain is "" but must be set with'),
    ("settings.queue", "q", 'settings.queue is "q" but must come with settings.queue_label'),
    ("settings.queue_of_pool", "{pool}", 'settings.queue_of_pool is "{pool}" but must come with settings.queue_label'),
    ("priorityClasses.create", True, 'priorityClasses.create is "true" but must be auto or false with'),
    ("priorityClasses.create", "yes", "at '/priorityClasses/create': value must be one of 'auto', true, false"),
    ("rbac", {"aggregate": False, "aggregatePolicies": True}, 'rbac.aggregatePolicies is "true" but must be false'),
    ("serviceAccount.create", False, 'serviceAccount.name is "" but must name a ServiceAccount'),
    ("extraEnv", [{"name": "RUNAI_NIM_HEALTHZ_PORT", "value": "1"}], 'extraEnv has "RUNAI_NIM_HEALTHZ_PORT" but must'),
    ("extraEnv", [{"name": "POD_ID", "value": "x"}], 'extraEnv has "POD_ID" but must'),
    ("extraEnv", [{"value": "1"}], "at '/extraEnv/0': missing property 'name'"),
    ("networkPolicy.apiServerPorts", [], "at '/networkPolicy/apiServerPorts': minItems"),
    ("rest.enable", True, "additional properties 'enable' not allowed"),
    ("rest.service.port", 0, "at '/rest/service/port': minimum: got 0, want 1"),
    ("rest.ingress", {"enabled": True}, 'rest.ingress.host is "" but must name a host'),
    ("rest.ingress", {"enabled": True, "host": "x"}, 'rest.ingress.enabled is "true" but must be false without rest'),
    ("rest", {"enabled": True, "httpRoute": {"enabled": True}}, "rest.httpRoute.parentRefs is empty but must name"),
    ("rest", {"enabled": True, "serviceAccount": {"create": False}}, 'rest.serviceAccount.name is "" but must name'),
    ("rest", {"enabled": True, "serviceAccount": {"name": RELEASE}}, "but must not be the operator's"),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD, ids=lambda part: part if isinstance(part, str) else "")
def test_a_bad_value_is_refused_with_a_sentence(path: str, value: Any, message: str, render: Render) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        render(changed(path, value))
    assert message in caught.value.stderr


def test_the_values_that_the_bad_ones_are_made_of_are_good(render: Render) -> None:
    assert render(changed("replicas", 2))
