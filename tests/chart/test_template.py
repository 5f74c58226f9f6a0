"""What the chart makes of values: snapshots, and what holds for all of them."""

import copy
import subprocess
from typing import Any

import pytest
import yaml

from runai_nim.permissions import PERMISSIONS
from runai_nim.settings import settings_from
from tests.chart.conftest import CASES, CHART, Helm, Render, case_values

pytestmark = pytest.mark.chart
IMAGE = {"image": {"repository": "registry.example.com/runai-nim-operator"}}
NAMES = sorted(path.name for path in CASES.iterdir())


def one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = (made for made in objects if made["kind"] == kind)
    return found


def pod(objects: list[dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = one(objects, "Deployment")["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_rendered_as_expected(name: str, render: Render, update_snapshots: bool) -> None:
    """Apart from the kind itself, which has tests of its own."""
    objects = [made for made in render(case_values(name)) if made["kind"] != "CustomResourceDefinition"]
    text = yaml.safe_dump_all(objects, sort_keys=True, width=120)
    expected = CASES / name / "expected.yaml"
    if update_snapshots:
        expected.write_text(text, encoding="utf-8")

    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_helm_lint_finds_nothing(name: str, helm: Helm) -> None:
    helm("lint", "--strict", str(CHART), f"--values={CASES / name / 'values.yaml'}")


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_are_ones_that_the_operator_takes(name: str, render: Render) -> None:
    values = case_values(name)
    text = one([m for m in render(values) if "settings.yaml" in m.get("data", {})], "ConfigMap")["data"][
        "settings.yaml"
    ]
    file = yaml.safe_load(text)

    assert settings_from(file, {}) == settings_from(
        {"leader_election": True, "lease_namespace": "runai-nim-system"} | values.get("settings", {}), {}
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_pod_is_restricted_and_can_write_nothing(name: str, render: Render) -> None:
    spec = pod(render(case_values(name)))
    (container,) = spec["containers"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(spec)
    assert [set(volume) - {"name"} for volume in spec["volumes"]] == [{"configMap"}]
    assert spec["enableServiceLinks"] is False


@pytest.mark.parametrize("name", ["defaults", "everything"])
def test_the_rules_are_those_of_the_table(name: str, render: Render) -> None:
    objects = render(case_values(name))
    bound = {made["roleRef"]["name"] for made in objects if made["kind"].endswith("Binding") and "roleRef" in made}
    rules = {
        (made["kind"], group, resource, verb)
        for made in objects
        if made["kind"] in ("ClusterRole", "Role") and made["metadata"]["name"] in bound
        for rule in made["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert rules == {
        ("ClusterRole" if permission.scope == "cluster" else "Role", permission.group, permission.resource, verb)
        for permission in PERMISSIONS
        for verb in permission.verbs
    }


def test_names_are_the_release_s_own(render: Render) -> None:
    objects = render(IMAGE, name="a")

    names = {made["metadata"]["name"] for made in objects if made["kind"] != "CustomResourceDefinition"}
    assert {name.removesuffix("-view").removesuffix("-edit") for name in names} == {"a-runai-nim-operator"}


def test_a_changed_setting_rolls_the_pods_and_the_same_does_not(render: Render) -> None:
    def checksum(settings: dict[str, Any]) -> str:
        template = one(render(IMAGE | {"settings": settings}), "Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/settings"])

    assert checksum({}) == checksum({"leader_election": True})
    assert checksum({}) != checksum({"workers": 4})


def test_a_digest_decides(render: Render) -> None:
    digest = "sha256:" + "0" * 64
    values = {"image": {"repository": "r/x", "tag": "1", "digest": digest}}

    assert pod(render(values))["containers"][0]["image"] == f"r/x@{digest}"


def test_port_and_probes_follow_the_setting(render: Render) -> None:
    objects = render(IMAGE | {"settings": {"healthz_port": 9999}})
    (container,) = pod(objects)["containers"]

    assert container["ports"] == [{"name": "http", "containerPort": 9999}]
    assert one(objects, "Service")["spec"]["ports"] == [{"name": "http", "port": 9999, "targetPort": "http"}]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


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
    ("settings.priority_classes", {"urgent": "x"}, "'urgent'"),
    ("settings.leader_election", False, 'settings.leader_election is "false" but must be true'),
    ("settings.lease_namespace", "other", 'settings.lease_namespace is "other" but must be the release\'s namespace'),
    ("settings.external_mode", "ingress", 'settings.external_domain is "" but must be set with'),
    ("settings.queue", "q", 'settings.queue is "q" but must come with settings.queue_label'),
    ("priorityClasses.create", True, 'priorityClasses.create is "true" but must be false with settings.dialect runai'),
    ("serviceAccount.create", False, 'serviceAccount.name is "" but must name a ServiceAccount'),
    ("extraEnv", [{"name": "RUNAI_NIM_HEALTHZ_PORT", "value": "1"}], 'extraEnv has "RUNAI_NIM_HEALTHZ_PORT" but must'),
    ("extraEnv", [{"value": "1"}], "at '/extraEnv/0': missing property 'name'"),
    ("networkPolicy.apiServerPorts", [], "at '/networkPolicy/apiServerPorts': minItems"),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD, ids=lambda part: part if isinstance(part, str) else "")
def test_a_bad_value_is_refused_with_a_sentence(path: str, value: Any, message: str, render: Render) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        render(changed(path, value))
    assert message in caught.value.stderr


def test_the_values_that_the_bad_ones_are_made_of_are_good(render: Render) -> None:
    assert render(changed("replicas", 2))


def test_it_has_no_hooks_and_looks_nothing_up() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in (CHART / "templates").iterdir()}

    assert [name for name, text in texts.items() if "helm.sh/hook" in text or "lookup" in text] == []
