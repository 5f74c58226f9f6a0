"""`render`: the objects of the golden cases, as the operator makes them, and where each line comes from."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import MINIMAL, Answer, Run
from tests.support.golden import Case, golden_cases, stored

ORDER = ("nimservice", "claim", "route")
KNOWN = {"settings", "namespaceLabels", "nimOperator"}
OFFLINE = [case for case in golden_cases() if case.context.keys() <= KNOWN]


def options(case: Case, folder: Path) -> list[Any]:
    """What the command line has to be told of a case's context."""
    context = case.context
    (folder / "settings.yaml").write_text(yaml.safe_dump(context.get("settings", {})))
    labels = [f"--namespace-label={key}={value}" for key, value in context.get("namespaceLabels", {}).items()]
    version = ["--nim-operator", context["nimOperator"]] if "nimOperator" in context else []
    return ["--settings", folder / "settings.yaml", *labels, *version]


def rendered(answer: Answer) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(answer.out))


@pytest.mark.parametrize("case", OFFLINE, ids=lambda case: case.name)
def test_every_golden_case_is_rendered_as_expected(run: Run, case: Case, tmp_path: Path) -> None:
    expected = case.expected
    errors = [finding for finding in expected["findings"] if finding["severity"] == "error"]
    cr = json.dumps(stored(case.cr))

    plain = run("render", "-f", "-", *options(case, tmp_path), stdin=cr)
    explained = run("render", "-f", "-", "--explain", *options(case, tmp_path), stdin=cr)
    as_json = run("render", "-f", "-", "-o", "json", *options(case, tmp_path), stdin=cr)

    assert rendered(plain) == [expected[name] for name in ORDER if expected.get(name)]
    assert rendered(explained) == rendered(plain) == json.loads(as_json.out)
    assert plain.code == explained.code == as_json.code == (1 if errors else 0)
    of_the_case = [line for line in plain.err.splitlines() if not line.startswith("--nim-operator:")]
    assert [line.split(": ", 2)[1:] for line in of_the_case] == [
        [finding["severity"], finding["message"]] for finding in expected["findings"]
    ]


@pytest.mark.parametrize(
    ("generation", "key"),
    [
        ("annotations", "gpu-fraction-limit"),
        ("shorthand", "gpu-fraction.limit"),
        ("nvfractions", "kai.scheduler/container.llama-ctr.gpu-memory.portion.limit"),
    ],
)
def test_the_keys_of_a_gpu_share_can_be_given(run: Run, tmp_path: Path, generation: str, key: str) -> None:
    share = "{gpuRequestType: portion, gpuPortionRequest: 0.5, gpuPortionLimit: 0.75}"
    manifest = MINIMAL.replace("{gpuDevicesRequest: 1}", share)
    (tmp_path / "settings.yaml").write_text("gpu_fraction_keys: shorthand\n")
    files = ("-f", "-", "--settings", tmp_path / "settings.yaml")

    answer = run("render", *files, "--gpu-fraction-keys", generation, stdin=manifest)

    assert rendered(answer)[0]["spec"]["annotations"][key] == "0.75"
    assert run("validate", "-f", "-", "--gpu-fraction-keys", generation, stdin=manifest).code == 0


def test_without_a_uid_the_owner_has_none(run: Run) -> None:
    (nimservice,) = rendered(run("render", "-f", "-", "-n", "team-a", stdin=MINIMAL))

    assert nimservice["metadata"]["namespace"] == "team-a"
    assert nimservice["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "runai-nim.io/v1alpha1",
            "kind": "RunaiNimService",
            "name": "llama",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def test_a_refused_one_has_no_output_and_the_others_have(run: Run) -> None:
    wrong = MINIMAL.replace("name: llama", "name: wrong", 1) + "  replicas: -1\n"

    answer = run("render", "-f", "-", stdin=f"{wrong}---\nkind: Secret\n---\n{MINIMAL}")

    assert answer.code == 1
    assert [manifest["metadata"]["name"] for manifest in rendered(answer)] == ["llama"]
    assert (
        answer.err
        == '<stdin>:12:3: error: spec.replicas is "-1" but must be greater than or equal to 0: correct or remove it\n'
    )


def test_an_object_of_another_version_is_refused_whole(run: Run) -> None:
    answer = run("render", "-f", "-", stdin=MINIMAL.replace("v1alpha1", "v1"))

    assert (answer.code, answer.out) == (1, "")


def test_a_generated_name_is_marked(run: Run) -> None:
    (nimservice,) = rendered(run("render", "-f", "-", stdin=MINIMAL.replace("name: llama", "generateName: llama-", 1)))

    assert nimservice["metadata"]["name"] == "llama-xxxxx"


def test_words_that_go_reads_as_something_else_are_quoted(run: Run) -> None:
    added = (
        "  labels: [{name: a, value: '1e3'}, {name: b, value: 'y'}, {name: c, value: '0o7'}, {name: d, value: plain}]\n"
    )

    answer = run("render", "-f", "-", stdin=MINIMAL + added)

    assert [
        line.strip() for line in answer.out.splitlines() if line.startswith(("    a:", "    b:", "    c:", "    d:"))
    ] == [
        "a: '1e3'",
        "b: 'y'",
        "c: '0o7'",
        "d: plain",
    ]


def test_comments_are_aligned_and_beside_every_value(run: Run) -> None:
    lines = run("render", "-f", "-", "--explain", stdin=MINIMAL).out.splitlines()

    assert {line.index("  # ") for line in lines if "  # " in line} == {
        max(line.index("  # ") for line in lines if "  # " in line)
    }
    assert all("  # " in line for line in lines if not line.endswith(":"))
    assert "  schedulerName: runai-scheduler" in {line.split("  # ")[0].rstrip() for line in lines}


def test_a_value_of_several_lines_stays_on_one(run: Run) -> None:
    added = "  annotations:\n    - name: note\n      value: |\n        one # two\n        three\n"

    answer = run("render", "-f", "-", "--explain", stdin=MINIMAL + added)

    assert rendered(answer)[0]["spec"]["annotations"]["note"] == "one # two\nthree\n"
    (line,) = [line for line in answer.out.splitlines() if line.strip().startswith("note:")]
    assert line.split("  # ") == [
        '    note: "one # two\\nthree\\n"' + line[len('    note: "one # two\\nthree\\n"') : line.index("  # spec")],
        "spec.annotations",
    ]


def without(cr: dict[str, Any], field: str) -> dict[str, Any]:
    changed = copy.deepcopy(cr)
    *parents, last = field.split(".")
    block = changed
    for name in parents:
        block = block[name]
    del block[last]
    return changed


REMOVABLE = {
    "every-pod-field": "spec.security.runAsUid",
}
FULL = yaml.safe_load(MINIMAL) | {
    "spec": yaml.safe_load(MINIMAL)["spec"]
    | {
        "compute": {
            "cpuCoreRequest": 1,
            "cpuMemoryRequest": "1Gi",
            "gpuRequestType": "portion",
            "gpuPortionRequest": 0.5,
            "gpuPortionLimit": 0.6,
        },
        "security": {"runAsUid": 5},
        "priorityClass": "high",
        "preemptibility": "preemptible",
        "nodePools": ["a"],
        "tolerations": [{"name": "t", "operator": "Exists", "key": "k"}],
        "category": "c",
        "environmentVariables": [{"name": "A", "value": "x"}],
        "labels": [{"name": "l", "value": "x"}],
        "annotations": [{"name": "m", "value": "x"}],
        "imagePullSecrets": [{"name": "s"}],
        "imagePullPolicy": "Always",
        "replicas": 3,
    }
}


def notes(answer: Answer) -> dict[str, str]:
    """Each line that has a value → its note; a list's item stands under its number."""
    return {
        line.split("  # ")[0].rstrip(): line.split("  # ", 1)[1] for line in answer.out.splitlines() if "  # " in line
    }


@pytest.mark.parametrize(
    "field",
    [
        "spec.compute.cpuCoreRequest",
        "spec.compute.gpuPortionLimit",
        "spec.security.runAsUid",
        "spec.priorityClass",
        "spec.preemptibility",
        "spec.nodePools",
        "spec.tolerations",
        "spec.category",
        "spec.environmentVariables",
        "spec.labels",
        "spec.annotations",
        "spec.imagePullSecrets",
        "spec.imagePullPolicy",
        "spec.replicas",
    ],
)
def test_what_a_note_names_is_what_the_line_comes_from(run: Run, field: str) -> None:
    full = notes(run("render", "-f", "-", "--explain", stdin=json.dumps(FULL)))
    less = notes(run("render", "-f", "-", "--explain", stdin=json.dumps(without(FULL, field))))

    of_the_field = {line for line, note in full.items() if note == field}
    gone = {line for line in full if line not in less and "-hash" not in line}
    assert of_the_field
    assert gone == of_the_field
