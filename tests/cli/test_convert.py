"""`convert`: a body of the REST API becomes a manifest that `validate` passes, and nothing in it is lost."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Run

BODIES = sorted((Path(__file__).parents[1] / "contract" / "rest").glob("*.yaml"))
SPEC: dict[str, Any] = {
    "image": "a/b:1",
    "ngcAuthSecret": "ngc",
    "modelStore": {"nimCache": {"name": "c"}},
    "servingPort": {"port": 8000},
}


def test_what_a_person_decides_is_a_comment(run: Run) -> None:
    body = {"metadata": {"name": "llama", "projectId": "4501", "clusterId": "c-1"}, "spec": SPEC}

    answer = run("convert", "-f", "-", stdin=json.dumps(body))

    assert (answer.code, answer.err) == (0, "")
    assert (
        answer.out
        == """\
apiVersion: runai-nim.io/v1alpha1
kind: RunaiNimService
metadata:
  name: llama
  # namespace: set the one of Run:ai's project '4501'; kubectl get namespaces -L runai/queue lists them.
  # The body names Run:ai's cluster 'c-1': use the kubectl context of that cluster.
spec:
  image: a/b:1
  ngcAuthSecret: ngc
  modelStore:
    nimCache:
      name: c
  servingPort:
    port: 8000
"""
    )
    assert run("validate", "-f", "-", stdin=answer.out).code == 0


@pytest.mark.parametrize("body", BODIES, ids=lambda path: path.stem)
def test_every_field_is_kept_in_its_order(run: Run, body: Path) -> None:
    written = yaml.safe_load(body.read_text())

    manifest = yaml.safe_load(run("convert", "-f", body, "-n", "team-a").out)

    assert json.dumps(manifest["spec"]) == json.dumps(written["spec"])
    name = written["metadata"]["name"]
    prefixed = written["metadata"].get("useGivenNameAsPrefix")
    assert manifest["metadata"] == {
        **({"generateName": f"{name}-"} if prefixed else {"name": name}),
        "namespace": "team-a",
    }


def test_a_prefix_is_a_generated_name(run: Run) -> None:
    body = {"metadata": {"name": "llama", "useGivenNameAsPrefix": True}, "spec": SPEC}

    answer = run("convert", "-f", "-", stdin=json.dumps(body))

    assert answer.code == 0
    assert yaml.safe_load(answer.out)["metadata"] == {"generateName": "llama-"}
    assert "  # The API server generates the name: use kubectl create" in answer.out


def test_null_means_not_given(run: Run) -> None:
    body = {"metadata": {"name": "llama"}, "spec": {**SPEC, "compute": None, "nodePools": ["a", None]}}

    assert yaml.safe_load(run("convert", "-f", "-", stdin=json.dumps(body)).out)["spec"] == {**SPEC, "nodePools": ["a"]}


def test_an_answer_of_the_api_is_taken_too(run: Run) -> None:
    metadata = {"name": "llama", "projectId": 7, "id": "x", "createdAt": "2026-01-01", "gvk": {}}

    answer = run(
        "convert", "-f", "-", stdin=json.dumps({"metadata": metadata, "desiredPhase": "Stopped", "spec": SPEC})
    )

    assert answer.code == 0
    assert answer.err == "ignored, because Run:ai sets it: id, createdAt, gvk\n"
    assert yaml.safe_load(answer.out)["spec"] == {**SPEC, "desiredPhase": "Stopped"}


def test_a_spec_alone_needs_a_name(run: Run) -> None:
    named = run("convert", "-f", "-", "--name", "llama", stdin=json.dumps(SPEC))
    unnamed = run("convert", "-f", "-", stdin=json.dumps(SPEC))

    assert (named.code, yaml.safe_load(named.out)["spec"]) == (0, SPEC)
    assert unnamed.code == 1
    assert "  # name: choose one." in unnamed.out
    assert unnamed.err == "<stdout>:3:1: error: metadata must be a mapping: add it, with a name\n"


def test_unknown_fields_are_findings_and_stay_in_the_spec(run: Run) -> None:
    body = {
        "metadata": {"name": "llama", "projctId": 1},
        "spec": {**SPEC, "imag": "x"},
        "more": 1,
        "desiredPhase": "Deleted",
    }

    answer = run("convert", "-f", "-", stdin=json.dumps(body))

    assert answer.code == 1
    assert yaml.safe_load(answer.out)["spec"] == {**SPEC, "imag": "x"}
    assert [line.split(": ", 1)[1] for line in answer.err.splitlines()] == [
        'error: unknown field "more": remove it',
        'error: unknown field "metadata.projctId": did you mean projectId?',
        'error: desiredPhase is "Deleted" but must be Running or Stopped: remove it',
        'error: unknown field "spec.imag": did you mean image?',
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "<stdin> must contain a body of Run:ai's REST API: a mapping of metadata and spec"),
        ("", "- must contain a body of Run:ai's REST API: it has no spec"),
        (
            '{"kind": "Pod", "spec": {}}',
            "<stdin> must contain a body of Run:ai's REST API: it contains a Kubernetes object",
        ),
        ('{"image": "a", "other": 1}', "<stdin> must contain a body of Run:ai's REST API: it has no spec"),
        ('{"replicas": 1}', "<stdin> must contain a body of Run:ai's REST API: it has no spec"),
        ('{"spec": []}', "<stdin>:1:2: spec must be a mapping"),
        ('{"spec": {}, "metadata": "x"}', "<stdin>:1:14: metadata must be a mapping"),
        ("{", "<stdin>:2:1: must be YAML or JSON: did not find expected node content"),
        ("a: 1\n---\nb: 1\n", "- must contain one document: it contains 2"),
        ('{"a": 1, "a": 2}', '<stdin>:1:10: duplicate key "a" in lines 1 and 1: remove one'),
    ],
)
def test_what_is_no_body(run: Run, content: str, message: str) -> None:
    answer = run("convert", "-f", "-", stdin=content)

    assert (answer.code, answer.out, answer.err) == (2, "", f"{message}\n")
