"""What the chart makes of values: snapshots, and what holds for all of them."""

import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from runai_nim.config.permissions import PERMISSIONS, REST_PERMISSIONS, Permission
from runai_nim.config.settings_loader import load_settings
from tests.chart.conftest import CASES, CHART, IMAGE, RELEASE, Helm, Render, case_values
from tests.docs.guide import PAGES, documents

pytestmark = pytest.mark.chart
NAMES = sorted(path.name for path in CASES.iterdir())


def one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = (made for made in objects if made["kind"] == kind)
    return found


def named(objects: list[dict[str, Any]], kind: str, suffix: str) -> dict[str, Any]:
    """The operator's with suffix "", the REST API's with "-rest"."""
    (found,) = (
        made
        for made in objects
        if made["kind"] == kind and made["metadata"]["name"].endswith("-rest") == (suffix == "-rest")
    )
    return found


def pod(objects: list[dict[str, Any]], suffix: str = "") -> dict[str, Any]:
    spec: dict[str, Any] = named(objects, "Deployment", suffix)["spec"]["template"]["spec"]
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

    of_the_chart = {"leader_election": True, "lease_namespace": "runai-nim-system"}
    if name == "rest":
        of_the_chart["reserved_hosts"] = ["nim.example.com"]
    assert load_settings(file, {}) == load_settings(of_the_chart | values.get("settings", {}), {})


def test_hosts_of_the_rest_api_are_reserved(render: Render) -> None:
    values = case_values("rest")
    values["settings"]["reserved_hosts"] = ["www.example.com", "nim.example.com"]
    values["rest"]["httpRoute"]["hostnames"] = ["*.api.example.com"]
    file = yaml.safe_load(named(render(values), "ConfigMap", "")["data"]["settings.yaml"])
    assert file["reserved_hosts"] == ["www.example.com", "nim.example.com", "*.api.example.com"]

    values["rest"] = {"enabled": True}
    file = yaml.safe_load(named(render(values), "ConfigMap", "")["data"]["settings.yaml"])
    assert file["reserved_hosts"] == ["www.example.com", "nim.example.com"]


@pytest.mark.parametrize(("name", "suffix"), [*((name, "") for name in NAMES), ("rest", "-rest")])
def test_the_pod_is_restricted_and_can_write_nothing(name: str, suffix: str, render: Render) -> None:
    spec = pod(render(case_values(name)), suffix)
    (container,) = spec["containers"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(spec)
    kinds = [{"configMap"}, {"secret"}] if suffix else [{"configMap"}]
    assert [set(volume) - {"name"} for volume in spec["volumes"]] == kinds
    assert spec["enableServiceLinks"] is False


@pytest.mark.parametrize("name", ["defaults", "everything", "rest"])
def test_the_rules_are_those_of_the_tables(name: str, render: Render) -> None:
    objects = render(case_values(name))
    account = pod(objects)["serviceAccountName"]

    assert rules(objects, account) == tuples(PERMISSIONS)
    if name == "rest":
        assert rules(objects, pod(objects, "-rest")["serviceAccountName"]) == tuples(REST_PERMISSIONS)


Rules = set[tuple[str, str, str, str, str]]


def rules(objects: list[dict[str, Any]], account: str) -> Rules:
    """All that is bound to a ServiceAccount."""
    bound = {
        (made["roleRef"]["kind"], made["roleRef"]["name"])
        for made in objects
        if made["kind"] in ("ClusterRoleBinding", "RoleBinding")
        and made["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "runai-nim-system"}]
    }
    return {
        (made["kind"], group, resource, name, verb)
        for made in objects
        if (made["kind"], made["metadata"]["name"]) in bound
        for rule in made["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }


def tuples(permissions: Iterable[Permission]) -> Rules:
    return {
        (kind, permission.group, permission.resource, permission.name, verb)
        for permission in permissions
        for kind in ["ClusterRole" if permission.scope == "cluster" else "Role"]
        for verb in permission.verbs
    }


VALUES = [
    pytest.param(document, id=f"{page.stem}-{index}")
    for page in PAGES
    for index, document in enumerate(documents(page))
    if "kind" not in document
]


@pytest.mark.parametrize("values", VALUES)
def test_the_guide_s_values_are_taken(values: dict[str, Any], render: Render) -> None:
    assert render(IMAGE | values)


def test_names_are_the_release_s_own(render: Render) -> None:
    objects = render(IMAGE | {"rest": {"enabled": True}}, name="a")

    names = {made["metadata"]["name"] for made in objects if made["kind"] != "CustomResourceDefinition"}
    suffixes = {name.removeprefix("a-runai-nim-operator") for name in names}
    assert suffixes == {"", "-view", "-edit", "-policy-editor", "-rest", "-test"}


def test_nothing_selects_the_pods_of_the_other(render: Render) -> None:
    objects = render(case_values("rest"))
    both = ("", "-rest")
    labels = [named(objects, "Deployment", suffix)["spec"]["template"]["metadata"]["labels"] for suffix in both]
    services = [named(objects, "Service", suffix)["metadata"]["labels"] for suffix in both]
    found = []
    for made in objects:
        spec = made.get("spec", {})
        own = made["metadata"]["name"].endswith("-rest")
        selector = spec.get("podSelector") or spec.get("selector") or {}
        wanted = selector.get("matchLabels", selector).items()
        if wanted:
            found.append(made["kind"])
            pairs = services if made["kind"] == "ServiceMonitor" else labels
            assert [wanted <= there.items() for there in pairs] == [not own, own], made["kind"]

    assert sorted(found) == sorted(
        ["Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceMonitor"] * 2
    )


def test_the_rest_api_is_what_its_process_takes(render: Render) -> None:
    """Its command line, and its probes by the scheme that it serves."""
    for secret, scheme in (("", "HTTP"), ("nim-tls", "HTTPS")):
        objects = render(IMAGE | {"rest": {"enabled": True, "tls": {"secretName": secret}}})
        (container,) = pod(objects, "-rest")["containers"]

        command = [sys.executable, *container["command"][1:], *container["args"]]
        # It reads the command line before the settings, and ends at these.
        said = subprocess.run(command, env={"RUNAI_NIM_DIALECT": "x"}, capture_output=True, text=True, check=False)
        assert said.stderr.startswith("dialect in RUNAI_NIM_DIALECT")
        probes = [container[f"{kind}Probe"]["httpGet"]["scheme"] for kind in ("liveness", "readiness", "startup")]
        assert probes == [scheme] * 3
        assert named(objects, "Service", "-rest")["spec"]["ports"][0]["appProtocol"] == scheme.lower()


def test_without_it_there_is_nothing_of_the_rest_api(render: Render) -> None:
    assert [made["kind"] for made in render(IMAGE) if made["metadata"]["name"].endswith("-rest")] == []


@pytest.mark.parametrize(
    ("dialect", "enabled", "there"),
    [
        ("kai", None, True),
        ("kai", "auto", True),
        ("kai", False, False),
        ("runai", None, False),
        (None, None, False),
        ("runai", True, True),
        (None, True, True),
    ],
)
def test_with_kai_the_admission_policy_is_there_by_default(
    dialect: str | None, enabled: bool | str | None, there: bool, render: Render
) -> None:
    values: dict[str, Any] = dict(IMAGE)
    if dialect is not None:
        values["settings"] = {"dialect": dialect}
    if enabled is not None:
        values["admissionPolicy"] = {"enabled": enabled}
    kinds = {made["kind"] for made in render(values)}

    assert (kinds & POLICY) == (POLICY if there else set())


POLICY = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


ADMISSION_POLICIES = ("-reserved-labels", "-policies", "-policy-status")


def test_the_admission_policies_look_at_the_namespaces_that_are_served(render: Render) -> None:
    def bound(settings: dict[str, Any]) -> dict[str, Any]:
        values = IMAGE | {"settings": settings, "admissionPolicy": {"enabled": True}}
        made = [one for one in render(values) if one["kind"] == "ValidatingAdmissionPolicyBinding"]
        return {one["metadata"]["name"].removeprefix(RELEASE): one["spec"].get("matchResources") for one in made}

    listed = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["team-a", "team-b"]}
    selected = {"namespaceSelector": {"matchExpressions": [listed]}}
    assert bound({"namespaces": ["team-a", "team-b"]}) == dict.fromkeys(ADMISSION_POLICIES, selected)
    assert bound({}) == dict.fromkeys(ADMISSION_POLICIES)


def test_the_cluster_s_policies_are_those_of_who_serves_all_namespaces(render: Render) -> None:
    """A selector of namespaces doesn't leave out kinds of the cluster."""

    def resources(settings: dict[str, Any]) -> set[str]:
        values = IMAGE | {"settings": settings, "admissionPolicy": {"enabled": True}}
        made = [one for one in render(values) if one["kind"] == "ValidatingAdmissionPolicy"]
        rules = [rule for one in made for rule in one["spec"]["matchConstraints"]["resourceRules"]]
        return {resource for rule in rules for resource in rule["resources"] if "policies" in resource}

    of_projects = {"runainimpolicies", "runainimpolicies/status"}
    assert resources({"namespaces": ["team-a"]}) == of_projects
    assert resources({}) == {*of_projects, "clusterrunainimpolicies", "clusterrunainimpolicies/status"}


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


def test_an_old_cluster_is_refused_with_its_version(helm: Helm) -> None:
    arguments = ("template", RELEASE, str(CHART), "--set=image.repository=x")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        helm(*arguments, "--kube-version=1.29.9")

    assert "chart requires kubeVersion: >=1.30.0-0 which is incompatible with Kubernetes v1.29.9" in caught.value.stderr
    # As some providers call theirs.
    assert helm(*arguments, "--kube-version=1.30.0-eks-1")


def test_it_looks_up_priority_classes_alone_and_has_no_hook_but_that_of_helm_test() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in (CHART / "templates").rglob("*.*")}

    assert {name: text.count("lookup ") for name, text in texts.items() if "lookup" in text} == {"_settings.tpl": 1}
    assert 'lookup "scheduling.k8s.io/v1" "PriorityClass"' in texts["_settings.tpl"]
    assert [name for name, text in texts.items() if "helm.sh/hook:" in text] == ["answers.yaml"]
    assert "helm.sh/hook: test\n" in texts["answers.yaml"]


def test_the_pod_of_helm_test_is_restricted_and_asks_everything_that_answers(render: Render) -> None:
    for case, asked in (
        ("defaults", ["http://runai-nim-operator.runai-nim-system.svc:8080/readyz"]),
        (
            "rest",
            [
                "http://runai-nim-operator.runai-nim-system.svc:9090/readyz",
                "https://runai-nim-operator-rest.runai-nim-system.svc:443/readyz",
            ],
        ),
    ):
        spec = one(render(case_values(case)), "Pod")["spec"]
        (container,) = spec["containers"]
        assert container["args"][1:] == asked
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
