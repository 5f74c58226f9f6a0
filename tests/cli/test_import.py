"""`import`: NIMServices, or workloads of Run:ai's API, become manifests, and stderr says what differs."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import MINIMAL, Run

PLAIN = """\
apiVersion: apps.nvidia.com/v1alpha1
kind: NIMService
metadata:
  name: llama
spec:
  image: {repository: nvcr.io/nim/meta/llama, tag: "1.0"}
  authSecret: ngc
  storage:
    nimCache: {name: cache}
  resources:
    limits: {nvidia.com/gpu: 1, cpu: "0.5"}
  replicas: 1
  expose:
    service: {port: 8000}
"""
MANIFEST = """\
apiVersion: runai-nim.io/v1alpha1
kind: RunaiNimService
metadata:
  name: llama
spec:
  image: nvcr.io/nim/meta/llama:1.0
  ngcAuthSecret: ngc
  modelStore:
    nimCache:
      name: cache
  servingPort:
    port: 8000
  compute:
    cpuCoreLimit: 0.5
    gpuDevicesRequest: 1
  replicas: 1
"""
DIFFERENCE = """\
RunaiNimService default/llama
  NIMService llama
+ metadata.labels[runai-nim.io/service]: llama  # always: the label runai-nim.io/service, on the NIMService and its pods
+ spec.resources.requests[nvidia.com/gpu]: 1  # spec.compute.gpuDevicesRequest
+ spec.expose.service.type: ClusterIP  # spec.servingPort.serviceType (not set)
+ spec.schedulerName: runai-scheduler  # always: spec.schedulerName (setting scheduler_name)
+ spec.labels[runai-nim.io/service]: llama  # always: the label runai-nim.io/service, on the NIMService and its pods
  pods restart: yes (spec.schedulerName, spec.labels[runai-nim.io/service])
"""
BODY: dict[str, Any] = {
    "metadata": {"name": "llama", "projectId": "1", "id": "x"},
    "spec": {
        "image": "a/b:1",
        "ngcAuthSecret": "n",
        "modelStore": {"nimCache": {"name": "c"}},
        "servingPort": {"port": 1},
    },
}


def test_the_manifest_goes_to_stdout_and_what_differs_to_stderr(run: Run) -> None:
    answer = run("import", "-", stdin=PLAIN)

    assert (answer.code, answer.out, answer.err) == (0, MANIFEST, DIFFERENCE)
    assert run("validate", "-f", "-", stdin=answer.out).code == 0


def test_what_was_rendered_comes_back_without_a_difference(run: Run) -> None:
    rendered = run("render", "-f", "deploy/samples/whole-gpus-nimcache.yaml", "-n", "team-a")

    answer = run("import", "-", stdin=rendered.out)

    assert (answer.code, answer.err) == (0, "")
    assert run("render", "-f", "-", stdin=answer.out).out == rendered.out


def test_a_finding_has_the_position_in_the_nimservice(run: Run, tmp_path: Path) -> None:
    (file := tmp_path / "nim.yaml").write_text(
        f"{PLAIN}  nodeSelector: {{gpu: h100}}\n  env: [{{name: A, value: s3cret}}]\n"
    )

    answer = run("import", file)

    assert answer.code == 1
    assert answer.err.startswith(f'{file}:15:18: error: spec.nodeSelector.gpu is "h100" but must be absent')
    assert "s3cret" not in answer.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name NIMServices by files, directories or -, or a cluster by --live: one of the two"),
        (("--live", "-"), "name NIMServices by files, directories or -, or a cluster by --live: one of the two"),
        (("-", "--context", "x"), "--kubeconfig and --context need --live"),
        (("--live", "--from-runai"), "--from-runai reads files: leave out --live"),
        (("--live", "--adopt"), "--adopt needs --output-directory"),
        (("--live", "--kubeconfig", "/nonexistent/file"), "no usable kubeconfig: "),
    ],
)
def test_wrong_use_is_one_line(run: Run, arguments: tuple[str, ...], told: str) -> None:
    answer = run("import", *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err


def test_metadata_that_adoption_leaves_is_no_difference(run: Run) -> None:
    applied = """kubectl.kubernetes.io/last-applied-configuration: '{"env": [{"name": "A", "value": "s3cret"}]}'"""
    metadata = f"  labels: {{team: search}}\n  annotations: {{{applied}}}\n"
    scale = "  scale: {hpa: {maxReplicas: 0, minReplicas: 1}}\n"

    answer = run("import", "-", stdin=PLAIN.replace("spec:\n", f"{metadata}spec:\n", 1) + scale)

    assert (answer.code, answer.err) == (0, DIFFERENCE)
    assert "s3cret" not in answer.out


def test_a_mistake_in_the_result_has_its_position_there(run: Run) -> None:
    answer = run("import", "-", stdin=PLAIN.replace("port: 8000", "port: 99999"))

    assert answer.code == 1
    assert answer.err.startswith("<stdout>:12:5: error: spec.servingPort.port")


def test_json_is_a_list(run: Run) -> None:
    answer = run("import", "-", "-o", "json", "-n", "team-a", stdin=f"{PLAIN}---\n{PLAIN.replace('llama', 'other')}")

    found = json.loads(answer.out)
    assert (found["kind"], [item["metadata"]["name"] for item in found["items"]]) == ("List", ["llama", "other"])
    assert found["items"][0]["metadata"] == {"name": "llama", "namespace": "team-a"}
    assert run("validate", "-f", "-", stdin=answer.out).code == 0


@pytest.mark.parametrize("text", ["", "a: 1", "kind: [", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}"])
def test_input_without_a_nimservice_is_unreadable(run: Run, text: str) -> None:
    assert run("import", "-", stdin=text).code == (1 if text == "a: 1" else 2)


def test_a_directory_has_a_file_for_each_and_a_kustomization(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    other = PLAIN.replace("  name: llama", "  name: other\n  namespace: b")
    text = f"{PLAIN}---\n{other}"

    answer = run("import", "-", "--output-directory", folder, stdin=text)

    assert (answer.code, answer.out) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == ["b.other.yaml", "kustomization.yaml", "llama.yaml"]
    assert (folder / "llama.yaml").read_text() == MANIFEST
    assert yaml.safe_load((folder / "kustomization.yaml").read_text()) == {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["b.other.yaml", "llama.yaml"],
    }


def test_a_file_is_only_overwritten_with_force(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("mine")

    refused = run("import", "-", "--output-directory", tmp_path, stdin=PLAIN)

    assert refused.code == 2
    assert refused.err == (
        f"{tmp_path}/kustomization.yaml exists: choose another --output-directory, or pass --force to overwrite it\n"
    )
    assert os.listdir(tmp_path) == ["kustomization.yaml"]
    assert run("import", "-", "--output-directory", tmp_path, "--force", stdin=PLAIN).code == 0
    assert sorted(os.listdir(tmp_path)) == ["kustomization.yaml", "llama.yaml"]


def test_nothing_is_left_of_a_write_that_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "llama.yaml").mkdir()

    answer = run("import", "-", "--output-directory", tmp_path, "--force", stdin=PLAIN)

    assert answer.code == 2
    assert "can't be written" in answer.err
    assert os.listdir(tmp_path) == ["llama.yaml"]


@pytest.mark.parametrize("name", ["../x", "", "kustomization", "A"])
def test_a_name_that_names_no_file_of_its_own_is_an_error(run: Run, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "made"

    answer = run("import", "-", "--output-directory", folder, stdin=PLAIN.replace("name: llama", f'name: "{name}"'))

    assert answer.code == 2
    assert "must be the " in answer.err
    assert os.listdir(tmp_path) == []


def test_the_same_name_twice_is_an_error(run: Run, tmp_path: Path) -> None:
    answer = run("import", "-", "--output-directory", tmp_path, stdin=f"{PLAIN}---\n{PLAIN}")

    assert (answer.code, os.listdir(tmp_path)) == (2, [])


def test_the_steps_of_adoption_say_whether_pods_restart(run: Run, tmp_path: Path) -> None:
    answer = run("import", "-", "--output-directory", tmp_path, "--adopt", "-n", "team-a", stdin=PLAIN)

    file = f"{tmp_path}/team-a.llama.yaml"
    assert answer.out == (
        "# llama: pods restart once (spec.schedulerName, spec.labels[runai-nim.io/service])\n"
        "kubectl annotate nimservice llama -n team-a runai-nim.io/adopt=true\n"
        f"runai-nim diff --live -n team-a -f {file} || test $? -eq 1\n"
        f"kubectl apply -n team-a -f {file}\n"
        "kubectl wait runainimservice llama -n team-a --for=condition=Ready --timeout=30m\n"
    )


def test_there_are_no_steps_for_what_the_operator_would_reject(run: Run, tmp_path: Path) -> None:
    text = PLAIN.replace("port: 8000", "port: 99999")

    answer = run("import", "-", "--output-directory", tmp_path, "--adopt", stdin=text)

    assert (answer.code, answer.out) == (
        1, f"# llama: correct {tmp_path}/llama.yaml first, the operator would reject it\n"
    )  # fmt: skip


def test_steps_are_comments_while_fields_are_lacking(run: Run, tmp_path: Path) -> None:
    text = PLAIN.replace("replicas: 1", "replicas: 0") + "  nodeSelector: {gpu: h100}\n"

    answer = run("import", "-", "--output-directory", tmp_path, "--adopt", stdin=text)

    file = f"{tmp_path}/llama.yaml"
    assert answer.out == (
        "# llama: pods don't restart (scaled to zero)\n"
        f"# {file} lacks fields of the NIMService (1 error): correct it, then remove the # below\n"
        "# kubectl annotate nimservice llama runai-nim.io/adopt=true\n"
        f"# runai-nim diff --live -f {file} || test $? -eq 1\n"
        f"# kubectl apply -f {file}\n"
    )


@pytest.mark.parametrize(
    "options", [["--adopt"], ["--adopt", "--from-runai", "--output-directory", "x"]], ids=["no directory", "of Run:ai"]
)
def test_options_that_exclude_each_other(run: Run, options: list[str]) -> None:
    answer = run("import", "-", *options, stdin=PLAIN)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("--adopt ")


def test_a_stopped_nimservice_restarts_no_pod(run: Run) -> None:
    answer = run("import", "-", stdin=PLAIN.replace("replicas: 1", "replicas: 0"))

    assert answer.err.endswith("  pods restart: no (scaled to zero)\n")


@pytest.mark.parametrize("answer", [{"workloads": [BODY]}, [BODY], BODY], ids=["workloads", "list", "body"])
def test_workloads_of_runai_become_manifests(run: Run, answer: Any, tmp_path: Path) -> None:
    found = run("import", "--from-runai", "-", "-n", "a", "--output-directory", tmp_path, stdin=json.dumps(answer))

    assert (found.code, found.err) == (0, "")
    assert yaml.safe_load((tmp_path / "a.llama.yaml").read_text()) == {
        "apiVersion": "runai-nim.io/v1alpha1",
        "kind": "RunaiNimService",
        "metadata": {"name": "llama", "namespace": "a"},
        "spec": BODY["spec"],
    }


def test_a_workload_without_a_spec_is_an_error(run: Run) -> None:
    found = run(
        "import",
        "--from-runai",
        "-",
        "-n",
        "a",
        stdin=json.dumps({"workloads": [BODY, {"name": "x", "metadata": {"projectId": "1"}}]}),
    )

    assert (found.code, found.out) == (2, "")
    assert found.err == (
        "<stdin>:1:199: error: workloads[1] must be a workload with its spec: get it by"
        " /api/v2/workloads/nim-services/{id}\n"
    )


@pytest.mark.parametrize("projects", [("1",), ("1", "2")])
def test_workloads_without_a_namespace_of_their_own_are_warned_of(run: Run, projects: tuple[str, ...]) -> None:
    bodies = [{**BODY, "metadata": {"name": f"llama-{one}", "projectId": one}} for one in projects]
    options = ["-n", "a"] if len(projects) > 1 else []

    found = run("import", "--from-runai", "-", *options, stdin=json.dumps(bodies))

    assert found.code == 0
    assert found.err.startswith("<stdin>:1:1: warning: all workloads should be of one project, whose namespace")


def test_an_unknown_field_of_a_body_is_found_at_its_place(run: Run) -> None:
    found = run("import", "--from-runai", "-", "-n", "a", stdin=json.dumps([BODY, {**BODY, "x": 1}]))

    assert found.code == 1
    assert 'error: unknown field "x"' in found.err


def test_what_the_api_server_and_the_nim_operator_add_is_no_difference(run: Run) -> None:
    added = "  inferencePlatform: standalone\n  livenessProbe: {}\n  scale: {hpa: {}}\n"

    answer = run("import", "-", stdin=PLAIN + added)

    assert (answer.code, answer.err) == (0, DIFFERENCE)


def test_a_probe_that_is_switched_off_is_a_difference(run: Run) -> None:
    answer = run("import", "-", stdin=PLAIN + "  livenessProbe: {enabled: false}\n")

    assert answer.code == 1
    assert "\n- spec.livenessProbe.enabled: false\n" in answer.err


@pytest.fixture
def external(tmp_path: Path) -> str:
    """The file of settings with external access."""
    (path := tmp_path / "external.yaml").write_text(
        "external_mode: ingress\nexternal_domain: example.com\nexternal_ingress_class: nginx\n"
        "external_hosts: ['*.example.com']\n"
    )
    return str(path)


def test_the_url_comes_back_from_the_route(run: Run, external: str) -> None:
    given = MINIMAL.replace("{port: 8000}", "{port: 8000, exposedUrl: https://llama.example.com/v1}")
    options = ("--settings", external)
    rendered = run("render", "-f", "-", *options, stdin=given).out
    assert "kind: Ingress" in rendered

    answer = run("import", "-", *options, stdin=rendered)

    assert (answer.code, answer.err) == (0, "")
    assert "exposedUrl: https://llama.example.com/v1" in answer.out
    changed = run("import", "-", *options, stdin=rendered.replace("ingressClassName: nginx", "ingressClassName: own"))
    assert changed.code == 1
    assert re.search(r'<stdin>:\d+:\d+: error: spec.ingressClassName is "own" but must be as the operator', changed.err)


def test_a_route_to_something_else_is_skipped(run: Run) -> None:
    route = "---\nkind: Ingress\napiVersion: networking.k8s.io/v1\nmetadata: {name: web}\nspec: {rules: []}\n"
    rendered = run("render", "-f", "-", stdin=MINIMAL).out

    answer = run("import", "-", stdin=rendered + route)
    assert answer.code == 0
    assert "note: skipped Ingress web" in answer.err
    alone = run("import", "-", stdin=route)
    assert (alone.code, alone.out) == (2, "")
    assert "must contain a NIMService: it contains none" in alone.err
