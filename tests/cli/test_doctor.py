"""`runai-nim doctor`: what it concludes from what was read of a cluster, and what a bundle leaves out."""

import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.api.crd import make_schema
from runai_nim.api.kinds import KINDS
from runai_nim.api.resources import (
    CLUSTER_RUNAI_NIM_POLICIES,
    DEPLOYMENTS,
    NAMESPACES,
    PRIORITY_CLASSES,
    RUNAI_NIM_POLICIES,
    RUNAI_NIM_SERVICES,
    KubeObject,
    Resource,
)
from runai_nim.cli.diagnostic import CommandError
from runai_nim.cli.doctor.bundle import LEFT_OUT, accepted_policies, without_secrets, write_bundle
from runai_nim.cli.doctor.check import Check, Level
from runai_nim.cli.doctor.checks import check_cluster
from runai_nim.cli.doctor.facts import INGRESS_CLASSES, NODES, STORAGE_CLASSES, ClusterFacts, Listing
from runai_nim.config.permissions import Access
from runai_nim.config.settings import Settings
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from tests.cli.conftest import Run

SCHEMAS = {kind.name: make_schema(kind) for kind in KINDS}
SCHEMA = SCHEMAS["RunaiNimService"]
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
ACCOUNT = "system:serviceaccount:runai-nim-system:runai-nim-operator"


def obj(name: str, **parts: Any) -> KubeObject:
    """An object; `<namespace>/<name>` for one in a namespace."""
    namespace, _, short = name.rpartition("/")
    metadata = {"name": short, **({"namespace": namespace} if namespace else {}), **parts.pop("metadata", {})}
    return {"metadata": metadata, **parts}


def deployment(name: str, *, labels: dict[str, str] | None = None, available: int = 1, replicas: int = 1) -> KubeObject:
    pod = {"serviceAccountName": "runai-nim-operator", "containers": [{"image": "example.com/a/operator:1.0"}]}
    return obj(
        name,
        metadata={"labels": labels or {}},
        spec={"replicas": replicas, "template": {"spec": pod}},
        status={"availableReplicas": available},
    )


def service(name: str, reason: str = "Running", *, generation: int = 1, observed: int = 1) -> KubeObject:
    conditions = [{"type": "Ready", "reason": reason}]
    return obj(
        name,
        metadata={"generation": generation, "creationTimestamp": "2026-11-29T11:00:00Z"},
        status={"observedGeneration": observed, "phase": "Running", "conditions": conditions},
    )


def policy(name: str, valid: str = "True", *, generation: int = 1, **status: Any) -> KubeObject:
    return obj(
        name,
        metadata={"generation": generation, "creationTimestamp": "2026-11-29T11:00:00Z"},
        status={"observedGeneration": 1, "conditions": [{"type": "Valid", "status": valid}], **status},
    )


def settings(**given_settings: Any) -> Settings:
    return load_settings(given_settings, {})


PROJECT = {"runai/queue": "team-a"}
OURS = {"app.kubernetes.io/name": "runai-nim-operator"}
READY: dict[Resource, tuple[KubeObject, ...]] = {
    RUNAI_NIM_SERVICES: (service("team-a/llama"),),
    RUNAI_NIM_POLICIES: (policy("team-a/gpu", matched=3, violating=0),),
    CLUSTER_RUNAI_NIM_POLICIES: (policy("base", matched=3, violating=1),),
    DEPLOYMENTS: (
        deployment("runai-nim-system/runai-nim-operator", labels=OURS),
        deployment("nim-operator/k8s-nim-operator"),
        deployment("runai/runai-scheduler-default"),
    ),
    NAMESPACES: (obj("team-a", metadata={"labels": PROJECT}),),
    NODES: (
        obj(
            "gpu-1",
            metadata={"labels": {"runai/node-pool": "h100"}},
            status={"allocatable": {"nvidia.com/gpu": "8"}},
        ),
    ),
    PRIORITY_CLASSES: tuple(obj(name) for name in settings().priority_classes.values()),
    STORAGE_CLASSES: (
        obj(
            "fast",
            metadata={"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            allowVolumeExpansion=True,
        ),
    ),
    INGRESS_CLASSES: (obj("nginx"),),
}


def facts(objects: dict[Resource, tuple[KubeObject, ...]] | None = None, **parts: Any) -> ClusterFacts:
    """A cluster that is ready, but for what is given."""
    ready: dict[str, Any] = {
        "version": "v1.34.4",
        "served": frozenset({"runai-nim.io/v1alpha1", "apps.nvidia.com/v1alpha1", "run.ai/v2alpha1"}),
        "own_schemas": SCHEMAS,
        "nimservice": NIMServiceSchema.of_version("3.1.4"),
        "account": ACCOUNT,
        "denied": (),
    }
    listings = {kind: Listing(listed) for kind, listed in (READY | (objects or {})).items()}
    return ClusterFacts(**{**ready, "listings": listings, **parts})


def of_services(properties: dict[str, Any]) -> dict[str, Any]:
    """The schemas of our own kinds, with these properties of RunaiNimService."""
    return {**SCHEMAS, "RunaiNimService": {"properties": properties}}


def conclusions(found: ClusterFacts, **given_settings: Any) -> list[Check]:
    return list(check_cluster(found, settings(**given_settings), NOW))


def test_a_cluster_that_is_ready_has_neither_problem_nor_warning() -> None:
    assert [check for check in conclusions(facts()) if check.level != Level.OK] == []


def test_counts_of_one_are_singular() -> None:
    told = {check.subject: check.message for check in conclusions(facts())}

    assert told["projects"] == "1 namespace: team-a"
    assert told["GPUs"] == "8 on 1 of 1 node"
    assert told["ClusterRunaiNimPolicies"] == "1, 1 broken by resources"
    (ignored,) = (c for c in conclusions(facts(), namespaces=["team-a"]) if "no effect" in c.message)
    assert ignored.message == "base has no effect where namespaces are listed"


def without(resource: Resource) -> ClusterFacts:
    return facts({resource: ()})


@pytest.mark.parametrize(
    ("found", "given_settings", "level", "message"),
    [
        (facts(version="v1.29.9"), {}, "problem", "Kubernetes: v1.29.9 is older than 1.30: upgrade the cluster"),
        (facts(version="?"), {}, "warning", 'Kubernetes: the API server names its version "?", which is none'),
        (facts(own_schemas={}), {}, "problem", "RunaiNimService: the cluster has no such kind: install the chart"),
        (facts(own_schemas={}), {}, "warning", "RunaiNimPolicy: the cluster has no such kind: install the chart"),
        (
            facts(own_schemas=SCHEMAS | {"ClusterRunaiNimPolicy": SCHEMAS["RunaiNimPolicy"]}),
            {},
            "warning",
            "ClusterRunaiNimPolicy: the CRD is older than this command: it lacks spec.namespaceSelector, spec.",
        ),
        (
            facts(own_schemas=of_services({"spec": {"properties": {"image": {}, "other": {}}}})),
            {},
            "warning",
            "RunaiNimService: the CRD is older than this command: it lacks spec.annotations, spec.",
        ),
        (
            facts(own_schemas=of_services({**SCHEMA["properties"], "status": {"properties": {}}})),
            {},
            "warning",
            "RunaiNimService: the CRD is older than this command: it lacks status.",
        ),
        (
            facts(
                own_schemas=of_services(
                    {
                        **SCHEMA["properties"],
                        "spec": {"properties": {**SCHEMA["properties"]["spec"]["properties"], "zzz": {}}},
                    }
                )
            ),
            {},
            "warning",
            "RunaiNimService: the CRD is newer than this command, which doesn't know spec.zzz",
        ),
        (facts(nimservice=None), {}, "problem", "NIMService: the cluster has no such kind: install the NVIDIA NIM"),
        (
            facts(nimservice=NIMServiceSchema.of_version("3.0.2")),
            {},
            "warning",
            "NIMService: the installed kind lacks spec.expose.router, spec.multiNode.ray: specs that need them are",
        ),
        (without(DEPLOYMENTS), {}, "warning", "operator: no Deployment of it was found: install the chart"),
        (
            facts({DEPLOYMENTS: (deployment("a/nim-operator", available=0),)}),
            {},
            "problem",
            "NIM Operator: Deployment a/nim-operator (operator:1.0): 0 of 1 replicas are available",
        ),
        (
            facts({DEPLOYMENTS: (deployment("kai-scheduler/kai-scheduler-default", replicas=0),)}),
            {},
            "problem",
            "scheduler: Deployment kai-scheduler/kai-scheduler-default (operator:1.0): 1 of 0 replicas are available:"
            " kubectl --namespace kai-scheduler describe deployment kai-scheduler-default",
        ),
        (facts(denied=None), {}, "warning", f"permissions: you may not ask what {ACCOUNT} may do"),
        (
            facts(denied=(Access("list", "", "pods", ""),)),
            {},
            "problem",
            f"permissions: {ACCOUNT} may not list pods: upgrade the chart",
        ),
        (
            facts(denied=(Access("list", "", "events", ""),)),
            {},
            "warning",
            f"permissions: {ACCOUNT} may not list events: upgrade the chart",
        ),
        (
            facts({RUNAI_NIM_SERVICES: (service("a/b", generation=2),)}),
            {},
            "problem",
            "RunaiNimServices: the operator has not seen the spec of a/b: look whether it runs",
        ),
        (
            facts({RUNAI_NIM_SERVICES: ({"metadata": {"namespace": "a", "name": "b"}},)}),
            {},
            "ok",
            "RunaiNimServices: 1: 1 without a phase",
        ),
        (
            facts({RUNAI_NIM_SERVICES: tuple(service(f"a/{n}", "NIMOperatorNotResponding") for n in range(7))}),
            {},
            "problem",
            "RunaiNimServices: NIMOperatorNotResponding: a/0, a/1, a/2, a/3, a/4 and 2 more: look at the NIM",
        ),
        (
            facts({RUNAI_NIM_POLICIES: (policy("a/gpu", generation=2), policy("a/image", "False"))}),
            {},
            "problem",
            "RunaiNimPolicies: the operator has not seen the spec of a/gpu: look whether it runs",
        ),
        (
            facts({CLUSTER_RUNAI_NIM_POLICIES: (policy("base"), policy("image", "False"))}),
            {},
            "warning",
            "ClusterRunaiNimPolicies: not in force as they are written: image: correct them as their condition Valid",
        ),
        (
            facts({CLUSTER_RUNAI_NIM_POLICIES: (policy("base"), policy("image", unevaluated=2))}),
            {},
            "warning",
            "ClusterRunaiNimPolicies: violating leaves out RunaiNimServices that the operator could not evaluate: imag",
        ),
        (facts(), {}, "ok", "ClusterRunaiNimPolicies: 1, 1 broken by resources"),
        (
            facts(),
            {"namespaces": ["team-a"]},
            "warning",
            "ClusterRunaiNimPolicies: base has no effect where namespaces are listed: give each namespace a Runai",
        ),
        (facts(), {"dialect": "kai"}, "problem", "setting dialect: it is kai, and the cluster has no queues of KAI"),
        (
            facts(served=frozenset({"scheduling.run.ai/v2"})),
            {},
            "problem",
            "setting dialect: it is runai, and the cluster has KAI's kinds and none of Run:ai: set dialect to kai",
        ),
        (facts(served=frozenset()), {}, "warning", "setting dialect: it is runai, and the cluster has no kind of Run"),
        (without(NAMESPACES), {}, "warning", "projects: no namespace has the label runai/queue: make a project"),
        (without(PRIORITY_CLASSES), {}, "warning", "PriorityClasses: the cluster lacks "),
        (
            without(NODES),
            {},
            "problem",
            "GPUs: no node offers nvidia.com/gpu (0 nodes): install the NVIDIA GPU",
        ),
        (
            facts(),
            {"node_selector": {"gpu": "yes"}},
            "problem",
            "GPUs: no node with GPUs has the labels of the setting",
        ),
        (without(STORAGE_CLASSES), {}, "warning", "StorageClasses: there is none: a new claim of a model store stays"),
        (
            facts({STORAGE_CLASSES: (obj("slow"),)}),
            {},
            "warning",
            "StorageClasses: none is the default: a claim without",
        ),
        (facts({STORAGE_CLASSES: (obj("slow"),)}), {}, "warning", "StorageClasses: claims of slow can't grow"),
        (
            facts(),
            {"external_mode": "ingress", "external_domain": "example.com", "external_ingress_class": "haproxy"},
            "problem",
            "setting external_ingress_class: it is haproxy, and the cluster has nginx: correct the setting",
        ),
        (
            facts(),
            {
                "external_mode": "gateway",
                "external_domain": "example.com",
                "external_gateway_name": "a",
                "external_gateway_namespace": "b",
            },
            "problem",
            "setting external_mode: gateway, and the cluster has no gateway.networking.k8s.io/v1: install the Gateway",
        ),
    ],
)
def test_what_is_not_ready_is_named_with_what_to_do(
    found: ClusterFacts, given_settings: dict[str, Any], level: str, message: str
) -> None:
    lines = [
        (check.level, f"{check.subject}: {check.message}: {check.remedy}")
        for check in conclusions(found, **given_settings)
    ]

    assert any(line[0] == level and line[1].startswith(message) for line in lines), lines


@pytest.mark.parametrize("resource", READY)
def test_what_may_not_be_read_is_a_warning_and_hides_nothing_else(resource: Resource) -> None:
    found = facts()
    listings = {**found.listings, resource: Listing(error="forbidden")}
    modes = {"external_mode": "ingress", "external_domain": "example.com", "external_ingress_class": "nginx"}

    checks = conclusions(facts(listings=listings), **modes)

    unreadable = [check for check in checks if "can't be read: forbidden" in check.message]
    assert [check.level for check in unreadable] == [Level.WARNING]
    assert len(checks) > 8


def test_a_resource_that_is_new_may_have_no_status_yet() -> None:
    new = obj("a/b", metadata={"generation": 1, "creationTimestamp": "2026-11-29T11:59:30Z"})

    assert not any("has not seen" in check.message for check in conclusions(facts({RUNAI_NIM_SERVICES: (new,)})))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "metadata",
                    "spec",
                    "status",
                    "labels",
                    "annotations",
                    "name",
                    "conditions",
                    "allocatable",
                    "env",
                    "value",
                    "creationTimestamp",
                    "generation",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), JSON, max_size=3))
def test_no_object_raises(found: dict[str, Any]) -> None:
    everything = facts(dict.fromkeys(READY, (found,)))

    assert conclusions(everything)
    without_secrets(found)


PLANTED_TEXT = "hf_planted"
PLANTED = {
    "metadata": {
        "name": "llama",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": PLANTED_TEXT, "runai-nim.io/adopt": "true"},
        "managedFields": [PLANTED_TEXT],
    },
    "spec": {
        "image": "nim:1",
        "environmentVariables": [
            {"name": "TOKEN", "value": PLANTED_TEXT},
            {"name": "KEY", "secret": {"name": "s"}},
            PLANTED_TEXT,
        ],
        "annotations": [{"name": "example.com/a", "value": PLANTED_TEXT}, {"name": "runai/b", "value": "kept"}],
        "template": {"spec": {"containers": [{"env": [{"name": "TOKEN", "value": PLANTED_TEXT}]}]}},
    },
    "data": {"key": PLANTED_TEXT},
}


PLANTED_DEFAULTS = {
    "environmentVariables": {
        "instances": [{"name": "TOKEN", "value": PLANTED_TEXT}, {"name": "KEY", "secret": {"name": "s"}}],
        "attributes": {"value": PLANTED_TEXT},
    },
    "labels": {"instances": [{"name": "team", "value": "kept"}]},
}
PLANTED_RULES = {"environmentVariables": {"instances": {"locked": ["TOKEN"]}, "options": [{"value": PLANTED_TEXT}]}}
PLANTED_POLICY = {"name": "gpu-team", "defaults": PLANTED_DEFAULTS, "rules": PLANTED_RULES}


def test_a_bundle_has_no_variables_of_policies() -> None:
    spec = {"defaults": PLANTED_DEFAULTS, "rules": PLANTED_RULES}
    found = without_secrets({"spec": spec, "status": {"inForce": {"spec": spec}}})

    assert PLANTED_TEXT not in str(found)
    defaults = found["spec"]["defaults"]
    assert defaults["environmentVariables"]["instances"][0] == {"name": "TOKEN", "value": LEFT_OUT}
    assert defaults["environmentVariables"]["instances"][1] == {"name": "KEY", "secret": {"name": "s"}}
    assert defaults["labels"] == PLANTED_DEFAULTS["labels"]
    assert found["spec"]["rules"]["environmentVariables"]["instances"] == {"locked": ["TOKEN"]}
    assert found["status"]["inForce"]["spec"] == found["spec"]
    assert without_secrets({"environmentVariables": PLANTED_TEXT}) == {"environmentVariables": LEFT_OUT}


def test_a_bundle_has_what_policies_gave_each_accepted_spec() -> None:
    def revision(kind: str) -> KubeObject:
        owners = [{"controller": True, "kind": kind, "name": "llama", "uid": "u"}]
        return obj("a/llama-1", metadata={"ownerReferences": owners}, data={"policies": [PLANTED_POLICY]})

    (found,) = without_secrets(accepted_policies([revision("RunaiNimService"), revision("StatefulSet")]))

    assert found["accepted"]["policies"][0]["name"] == "gpu-team"
    assert PLANTED_TEXT not in str(found)


def test_a_bundle_holds_no_planted_secret_and_keeps_names(tmp_path: Path) -> None:
    write_bundle(str(tmp_path / "bundle.tar.gz"), {"runainimservices": (PLANTED,), "checks": []})

    with tarfile.open(tmp_path / "bundle.tar.gz") as archive:
        members = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        text = "".join(file.read().decode() for file in members.values() if file)
    assert sorted(members) == ["runai-nim-doctor/checks.json", "runai-nim-doctor/runainimservices.json"]
    assert PLANTED_TEXT not in text
    for kept in ('"TOKEN"', '"nim:1"', '"kept"', '"runai-nim.io/adopt": "true"', '"s"', LEFT_OUT):
        assert kept in text
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.tar.gz"]


def test_a_bundle_that_can_t_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    for place in ("folder", "absent/bundle.tar.gz"):
        with pytest.raises(CommandError, match="can't be written"):
            write_bundle(str(tmp_path / place), {"checks": []})
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_without_a_cluster_one_line_says_so(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))

    answer = run("doctor")

    assert (answer.code, answer.out) == (2, "")
    assert "the cluster can't be read: no answer from the API server: no usable kubeconfig" in answer.err
