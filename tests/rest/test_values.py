"""What the REST API makes of values: ids, projects, sections, issues, workloads."""

import base64
from typing import Any

import pytest

from runai_nim.config.settings import Settings
from runai_nim.domain.admission.rest_body import check_rest_body, make_manifest
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, Rule
from runai_nim.rest.model.compliance import issue_of, issues_of
from runai_nim.rest.model.gitops_owner import details_of
from runai_nim.rest.model.identifier import Identifier, is_uid, parse_identifier
from runai_nim.rest.model.project import ProjectNamespace, check_is_served, find_namespace, is_possible_project_id
from runai_nim.rest.model.spec_patch import changed_sections, is_same, json_patch, merge_sections
from runai_nim.rest.model.workload import identifier_of, workload_of

UID = "0d5e7a3c-0a52-4a43-8d7f-0f6d7a1d0001"
LABELS = ("runai/queue",)
SETTINGS = Settings.model_validate({"department_label": "example.com/department"})
SCALED = {"metric": "concurrency", "metricThreshold": 1}


def namespace(name: str, **labels: str) -> ProjectNamespace:
    known = {"queue": "runai/queue", "id": "runai-nim.io/project-id", "department": "example.com/department"}
    return ProjectNamespace(name, f"uid-{name}", {known[key]: value for key, value in labels.items()}, "1")


def encoded(text: str) -> str:
    return base64.b32encode(text.encode()).decode().rstrip("=").lower()


def test_an_id_is_one_word_and_comes_back() -> None:
    identifier = Identifier("team-a", "llama", UID)

    assert parse_identifier(str(identifier)) == identifier
    assert str(identifier).isalnum()
    assert str(identifier).islower()
    assert is_uid(UID)
    assert not is_uid(str(identifier))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        "a",
        "ä",
        "a" * 301,
        encoded("team-a/llama"),
        encoded(f"team-a/llama/{UID}/x"),
        encoded(f"../llama/{UID}"),
        encoded(f"team-a/../{UID}"),
        encoded("team-a/llama/uid"),
        encoded(f"team-a/llama/{UID}").upper(),
        base64.b32encode(f"team-a/llama/{UID}".encode()).decode().lower() + "====",
        base64.b32encode(b"\xff\xff").decode().rstrip("=").lower(),
    ],
)
def test_no_other_text_is_an_id(text: str) -> None:
    assert parse_identifier(text) is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("a", "labelled"),  # a project's label beats a project-id, and that a namespace's name
        (7, "numbered"),
        ("7", "numbered"),
        ("plain", "plain"),
        ("labelled", "labelled"),
    ],
)
def test_projects_are_found_in_order(wanted: Any, found: str) -> None:
    known = [
        namespace("labelled", queue="a"),
        namespace("numbered", id="7"),
        namespace("a", id="a"),
        namespace("plain"),
        namespace("7"),
    ]

    project = find_namespace(wanted, known, LABELS)

    assert isinstance(project, ProjectNamespace)
    assert project.name == found


@pytest.mark.parametrize(
    ("wanted", "rule"),
    [
        (None, "be set"),
        ("", "be a string or a number"),
        (True, "be a string or a number"),
        (1.5, "be a string or a number"),
        ({}, "be a string or a number"),
        ("b", "be a project of this cluster"),
        ("a", "identify one namespace, but 2 have this value in label runai/queue"),
    ],
)
def test_what_is_no_project(wanted: Any, rule: str) -> None:
    found = find_namespace(wanted, [namespace("x", queue="a"), namespace("y", queue="a")], LABELS)

    assert isinstance(found, Finding)
    assert (found.path, found.must) == ("metadata.projectId", rule)


@pytest.mark.parametrize(
    ("project_id", "possible"),
    [("a", True), (7, True), ("A_1", True), ("a." * 99 + "a", True), ("a" * 254, False), ("a b", False)],
)
def test_what_may_be_a_project(project_id: Any, possible: bool) -> None:
    assert is_possible_project_id(project_id) is possible
    assert not any(map(is_possible_project_id, (None, "", True, 1.5, [], {})))


def test_served_projects() -> None:
    assert (
        [*check_is_served(namespace("n"), (), LABELS)] == [*check_is_served(namespace("n"), ("m", "n"), LABELS)] == []
    )
    (finding,) = check_is_served(namespace("n", queue="q"), ("m",), LABELS)
    assert finding.message.startswith('metadata.projectId is "q" but must be a project that the operator serves: ')


def test_a_namespace_as_a_project() -> None:
    read = ProjectNamespace.from_object(
        {"metadata": {"name": "n", "uid": "u", "resourceVersion": "5", "labels": {"runai/queue": "q"}}}
    )

    assert read == ProjectNamespace("n", "u", {"runai/queue": "q"}, "5")
    assert (read.project_id(LABELS), read.project_name(LABELS)) == ("q", "q")
    numbered = namespace("n", queue="Q_1", id="7")
    # Run:ai's client takes no other names of projects.
    assert (numbered.project_id(LABELS), numbered.project_name(LABELS)) == ("7", "n")
    bare = ProjectNamespace.from_object({"metadata": {"name": "n", "uid": "u", "resourceVersion": "5"}})
    assert (bare.project_id(LABELS), bare.project_name(LABELS)) == ("n", "n")


@pytest.mark.parametrize(
    ("stored", "given", "expected"),
    [
        ({"image": "a"}, {}, {"image": "a"}),
        ({"image": "a"}, {"image": None}, {"image": "a"}),
        ({"compute": {"a": 1, "b": 2}}, {"compute": {"a": 3, "b": None}}, {"compute": {"a": 3}}),
        ({"nodePools": ["a"]}, {"nodePools": ["b", None]}, {"nodePools": ["b"]}),
        ({"replicas": 3}, {"replicas": 1}, {"replicas": 1}),
        ({}, {"replicas": 1}, {}),
        ({}, {"replicas": 2}, {"replicas": 2}),
        ({"autoscaling": SCALED}, {"replicas": 1}, {"autoscaling": SCALED}),
        ({"autoscaling": SCALED}, {"replicas": 2}, {"replicas": 2}),
        ({"replicas": 3}, {"autoscaling": SCALED}, {"autoscaling": SCALED}),
        ({"replicas": 3}, {"autoscaling": SCALED, "replicas": 1}, {"autoscaling": SCALED}),
        ({"replicas": 1}, {"autoscaling": SCALED}, {"replicas": 1, "autoscaling": SCALED}),
        ({"replicas": 1, "autoscaling": SCALED}, {"replicas": 0}, {"replicas": 0}),
        ({}, {"autoscaling": SCALED, "replicas": 3}, {"autoscaling": SCALED, "replicas": 3}),
    ],
)
def test_sections(stored: dict[str, Any], given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert merge_sections(stored, given) == expected
    assert merge_sections(expected, {}) == expected


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        ({"compute": {"a": 1, "b": 2.0, "c": None}, "category": "default"}, {}),
        ({"compute": {"a": 2}, "category": None}, {"compute": {"a": 2}}),
        ({"compute": {"a": 1}, "image": "i"}, {"compute": {"a": 1}, "image": "i"}),
        ({"autoscaling": SCALED, "replicas": 3}, {"autoscaling": SCALED, "replicas": 3}),
    ],
)
def test_what_policies_add_is_no_change(patch: dict[str, Any], changed: dict[str, Any]) -> None:
    stored = {"compute": {"a": 1}, "autoscaling": SCALED}
    effective = {**stored, "compute": {"a": 1, "b": 2}, "category": "default"}

    assert changed_sections(patch, stored, effective) == changed


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": [1.0, "b"]}, {"a": [1, "b"]}, True),
        ({"a": True}, {"a": 1}, False),
        ([0], [False], False),
        ([1], [1, 1], False),
        ({"a": 1}, {"b": 1}, False),
        ({}, [], False),
        (None, {}, False),
    ],
)
def test_equal_json(one: Any, other: Any, expected: bool) -> None:
    assert is_same(one, other) is expected


def test_a_patch_names_what_changes() -> None:
    cr = {
        "metadata": {"resourceVersion": "7", "annotations": {"a": "b"}},
        "spec": {"image": "a", "replicas": 2, "category": "c"},
    }

    assert json_patch(cr, {"image": "b", "category": "c", "compute": {}}, {"x": "y"}) == [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "add", "path": "/metadata/annotations", "value": {"a": "b", "x": "y"}},
        {"op": "add", "path": "/spec/image", "value": "b"},
        {"op": "add", "path": "/spec/compute", "value": {}},
        {"op": "remove", "path": "/spec/replicas"},
    ]


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}, "Flux"),
        ({"labels": {"a": "b"}, "annotations": {"meta.helm.sh/release-name": "x"}}, "Helm"),
    ],
)
def test_who_keeps_it_in_git(metadata: dict[str, Any], owner: str) -> None:
    assert (details_of(metadata) or "").startswith(f"{owner} manages this workload")
    assert (details_of(metadata, "policy") or "").startswith(f"{owner} manages this policy")
    assert details_of({"labels": {"a": "b"}}) is None


def a_finding(path: str, rule: Rule | None) -> Finding:
    return Finding(reason=Reason.INVALID_VALUE, path=path, value="x", must="be right", remedy="correct it", rule=rule)


@pytest.mark.parametrize(
    ("finding", "field", "rule"),
    [
        (
            Finding(reason=Reason.REQUIRED_FIELD, path="spec.image", must="be set", remedy="set it"),
            "image",
            "required",
        ),
        (a_finding("spec.replicas", Rule.MIN), "replicas", "min"),
        (a_finding("spec.a.b", Rule.OPTIONS), "a.b", "options"),
        (a_finding("spec.a.b", None), "a.b", None),
        (
            Finding(
                reason=Reason.INVALID_NAME, path="metadata.generateName", value="A-", must="be lower case", remedy="x"
            ),
            "metadata.name",
            None,
        ),
    ],
)
def test_findings_are_issues(finding: Finding, field: str, rule: str | None) -> None:
    expected = {"field": field, "details": finding.message}

    assert issue_of(finding) == (expected | {"rule": rule} if rule else expected)


def test_causes_are_issues() -> None:
    causes = [{"field": "spec.multiNode", "message": "m"}, {"field": "spec.image", "message": "n"}, {"message": "o"}]

    assert issues_of({"details": {"causes": causes}}) == [
        {"field": "multiNode", "details": "m", "rule": "canEdit"},
        {"field": "image", "details": "n"},
        {"field": "", "details": "o"},
    ]
    assert issues_of({}) == []


def cr(spec: dict[str, Any], managers: tuple[tuple[str, str], ...] = (), **metadata: Any) -> dict[str, Any]:
    entries = [{"manager": manager, "time": f"2026-01-0{day}T00:00:00Z"} for manager, day in managers]
    status = {"manager": "operator", "time": "2026-02-01T00:00:00Z", "subresource": "status"}
    known = {"name": "llama", "namespace": "n", "uid": UID, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": {**known, "managedFields": [*entries, status], **metadata}, "spec": spec}


def shown(stored: dict[str, Any], **labels: str) -> dict[str, Any]:
    return workload_of(stored, stored["spec"], namespace("n", **labels), id_="id", settings=SETTINGS, cluster_id="c")


def test_what_identifies_a_stored_workload() -> None:
    assert identifier_of(cr({})) == Identifier("n", "llama", UID)


def test_the_department_of_a_workload() -> None:
    found = [shown(cr({}), **labels)["metadata"] for labels in ({}, {"department": "r-and-d"})]

    assert [(one["departmentId"], one["departmentName"]) for one in found] == [("1", "default"), ("r-and-d", "r-and-d")]


@pytest.mark.parametrize(
    ("managers", "annotations", "created", "updated"),
    [
        ((), {}, "unknown", "unknown"),
        ((("kubectl", "1"),), {}, "kubectl", "kubectl"),
        ((("kubectl", "1"), ("argocd", "2")), {}, "kubectl", "argocd"),
        ((("runai-nim-rest", "1"),), {"created-by": "ana"}, "ana", "ana"),
        ((("runai-nim-rest", "2"), ("kubectl", "1")), {"updated-by": "bob"}, "kubectl", "bob"),
        ((("runai-nim-rest", "1"), ("kubectl", "2")), {"created-by": "ana", "updated-by": "bob"}, "ana", "kubectl"),
    ],
)
def test_who_made_and_changed_it(
    managers: tuple[tuple[str, str], ...], annotations: dict[str, str], created: str, updated: str
) -> None:
    keyed = {f"runai-nim.io/{key}": value for key, value in annotations.items()}

    found = shown(cr({}, managers, annotations=keyed))["metadata"]

    assert (found["createdBy"], found["updatedBy"]) == (created, updated)
    days = [day for _, day in managers] or ["1"]
    assert found["updatedAt"] == f"2026-01-0{max(days)}T00:00:00Z"


@pytest.mark.parametrize(
    ("spec", "deleted", "phase"),
    [
        ({}, None, "Running"),
        ({"desiredPhase": "Running", "replicas": 2}, None, "Running"),
        ({"desiredPhase": "Stopped"}, None, "Stopped"),
        ({"replicas": 0}, None, "Stopped"),
        ({"replicas": 0}, "2026-01-02T00:00:00Z", "Deleted"),
    ],
)
def test_the_desired_phase(spec: dict[str, Any], deleted: str | None, phase: str) -> None:
    marked: dict[str, Any] = {"deletionTimestamp": deleted} if deleted else {}

    workload = shown(cr(spec, **marked))

    assert (workload["desiredPhase"], workload["spec"]) == (phase, spec)
    assert workload["metadata"].get("deletedAt") == deleted


def test_a_body_s_metadata_of_other_types() -> None:
    body = {"metadata": [], "spec": {}, "desiredPhase": "Stopped"}

    assert make_manifest(body, None)["metadata"] == {}
    assert make_manifest(body, None)["spec"] == {"desiredPhase": "Stopped"}
    assert [*check_rest_body(body)] == []
    (finding,) = check_rest_body({"metadata": {"useGivenNameAsPrefix": "yes"}})
    assert finding.message == "metadata.useGivenNameAsPrefix must be true or false: correct or remove it"
