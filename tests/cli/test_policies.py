"""--policies: applied to resources of their namespaces; a mistake in a policy ends the command."""

import json
from pathlib import Path

import pytest

from local.cluster import CHECKOUT
from tests.cli.conftest import MINIMAL, Run

SAMPLES = CHECKOUT / "deploy" / "samples" / "policies"
HEAD = "apiVersion: runai-nim.io/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
LIMIT = HEAD.format(kind="RunaiNimPolicy", name="team") + "spec: {rules: {replicas: {max: 2}}}\n"
FEW = MINIMAL + "  replicas: 3\n"
MESSAGE = 'spec.replicas is "3" but must be at most 2 by policy team (project)'


def policy(folder: Path, text: str, name: str = "policy.yaml") -> Path:
    (file := folder / name).write_text(text)
    return file


def test_a_broken_rule_is_found_in_its_line(run: Run, tmp_path: Path) -> None:
    answer = run("validate", "-f", "-", "--policies", policy(tmp_path, LIMIT), stdin=FEW)

    assert answer.code == 1
    assert f"<stdin>:12:3: error: {MESSAGE}" in answer.out
    assert run("validate", "-f", "-", stdin=FEW).code == 0


def test_a_policy_concerns_its_namespace(run: Run, tmp_path: Path) -> None:
    other = policy(tmp_path, LIMIT.replace("{name: team}", "{name: team, namespace: other}"))

    assert run("validate", "-f", "-", "--policies", other, stdin=FEW).code == 0
    assert run("validate", "-f", "-", "-n", "other", "--policies", other, stdin=FEW).code == 1


@pytest.mark.parametrize("command", ["validate -f -", "render -f -", "policy check - -f"])
def test_a_policy_that_concerns_nothing_is_told_of(run: Run, tmp_path: Path, command: str) -> None:
    """Exported from a cluster it names a namespace, and the manifest often doesn't."""
    text = LIMIT.replace("{name: team}", "{name: team, namespace: other}")
    file = policy(tmp_path, text)
    words = [*command.split(), *([] if command.startswith("policy") else ["--policies"])]
    told = " none of these RunaiNimServices, of namespace default: if that is wrong, name the namespace by -n, or its"

    answer = run(*words, file, stdin=FEW)
    assert answer.code == 0
    assert f"--policies: note: policy team (project) of namespace other concerns{told}" in answer.err
    assert told not in run(*words, policy(tmp_path, LIMIT), stdin=FEW).err
    wide = HEAD.format(kind="ClusterRunaiNimPolicy", name="wide") + "spec: {namespaceSelector: {matchLabels: {a: b}}}\n"
    policy(tmp_path, f"{text}---\n{wide}")
    answer = run(*words, file, "--namespace-label=a=c", stdin=FEW)
    assert f"--policies: note: policy team (project) of namespace other and 1 more concern{told}" in answer.err


def test_a_selector_needs_the_labels(run: Run, tmp_path: Path) -> None:
    spec = "spec: {namespaceSelector: {matchLabels: {a: b}}, rules: {replicas: {max: 2}}}\n"
    file = policy(tmp_path, HEAD.format(kind="ClusterRunaiNimPolicy", name="team") + spec)

    answer = run("validate", "-f", "-", "--policies", file, stdin=FEW)
    assert (answer.code, answer.out) == (2, "")
    assert "policy team (cluster) selects namespaces by label: name the labels by --namespace-label" in answer.err
    assert run("validate", "-f", "-", "--policies", file, "--namespace-label=a=b", stdin=FEW).code == 1
    assert run("validate", "-f", "-", "--policies", file, "--namespace-label=a=c", stdin=FEW).code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LIMIT.replace("max", "maxx"), ':4:27: error: unknown field "spec.rules.replicas.maxx": did you mean max?'),
        (LIMIT.replace("max: 2", "max: 2, min: 3"), ':4:27: error: spec.rules.replicas.max is "2" but must not be'),
        (f"{LIMIT}---\n{LIMIT}", ":6:1: error: policy team (project) must be defined once"),
        (
            f"{LIMIT}---\n{LIMIT.replace('team', 'zoo').replace('max: 2', 'min: 3')}",
            ":9:27: error: spec.rules.replicas.min must leave a value that can be at most 2 by policy team (project)",
        ),
        (MINIMAL, ":1:1: error: must be a policy, of kind RunaiNimPolicy or ClusterRunaiNimPolicy"),
        ("", ": error: must contain a RunaiNimPolicy or ClusterRunaiNimPolicy: it contains none"),
        ("a: [", "error: must be YAML or JSON"),
    ],
)
@pytest.mark.parametrize("command", ["validate", "render"])
def test_a_mistake_in_a_policy_ends_the_command(
    run: Run, tmp_path: Path, text: str, message: str, command: str
) -> None:
    file = policy(tmp_path, text)

    answer = run(command, "-f", "-", "--policies", file, stdin=MINIMAL)

    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert str(file) in answer.err


def test_rendered_values_name_their_policy(run: Run) -> None:
    files = ["--policies", SAMPLES / "half-a-gpu.yaml", "--policies", SAMPLES / "image-and-proxy.yaml"]
    text = MINIMAL.replace("compute: {gpuDevicesRequest: 1}", "replicas: 1").replace(
        "nvcr.io/nim/meta/llama:1.0", "registry.example.com/nim/llama-3.1-8b-instruct:1.8.5"
    )

    answer = run("render", "-f", "-", "--explain", *files, stdin=text)

    assert answer.code == 0
    notes = {line.split(":")[0].strip(): line.partition("# ")[2] for line in answer.out.splitlines() if "# " in line}
    assert notes["gpu-fraction"] == "spec.compute.gpuPortionRequest from policy gpu-team, project"
    assert notes["- name"] == "spec.environmentVariables from policy platform, cluster"
    assert notes["replicas"] == "spec.replicas"


def test_diff_applies_policies_to_both_sides(run: Run, tmp_path: Path) -> None:
    old = policy(tmp_path, MINIMAL, "old.yaml")
    new = policy(tmp_path, FEW, "new.yaml")

    answer = run("diff", old, new, "--policies", policy(tmp_path, LIMIT))

    assert answer.code == 1
    assert f"+ error: {MESSAGE}" in answer.out


def resources(folder: Path, text: str) -> Path:
    (folder / "resources").mkdir(exist_ok=True)
    return policy(folder / "resources", text, "resources.yaml")


@pytest.mark.parametrize(
    ("spec", "code", "summary"),
    [
        ("{rules: {replicas: {max: 3}}}", 0, "0 would change, pods of 0 would restart, 0 would break a rule"),
        ("{defaults: {servingPort: {serviceType: NodePort}}}", 1, "1 would change, pods of 0 would restart, 0"),
        ("{defaults: {priorityClass: high}}", 3, "1 would change, pods of 1 would restart, 0 would break a rule"),
        ("{rules: {replicas: {max: 2}}}", 4, "0 would change, pods of 0 would restart, 1 would break a rule"),
    ],
)
def test_what_a_policy_would_change_is_told_by_the_exit_code(
    spec: str, code: int, summary: str, run: Run, tmp_path: Path
) -> None:
    file = policy(tmp_path, HEAD.format(kind="RunaiNimPolicy", name="team") + f"spec: {spec}\n")

    answer = run("policy", "check", "-f", file, resources(tmp_path, FEW))

    assert answer.code == code, answer
    assert f"1 RunaiNimService checked: {summary}" in answer.err
    assert ("RunaiNimService default/llama" in answer.out) == (code != 0)
    assert ("at most 2 by policy team (project)" in answer.out) == (code == 4)


def test_a_policy_replaces_the_one_of_its_name(run: Run, tmp_path: Path) -> None:
    now = policy(tmp_path, LIMIT, "now.yaml")
    wider = policy(tmp_path, LIMIT.replace("max: 2", "max: 5"), "next.yaml")
    few = resources(tmp_path, FEW)

    answer = run("policy", "check", "-f", wider, "--policies", now, few)

    assert (answer.code, f"- error: {MESSAGE}" in answer.out) == (1, True), answer
    assert run("policy", "check", "-f", now, "--policies", now, few).code == 0


def test_a_mistake_in_the_new_policy_ends_the_check(run: Run, tmp_path: Path) -> None:
    wrong = policy(tmp_path, LIMIT.replace("max", "maxx"))

    answer = run("policy", "check", "-f", wrong, resources(tmp_path, FEW))

    assert (answer.code, answer.out) == (2, "")
    assert 'unknown field "spec.rules.replicas.maxx"' in answer.err


def test_resources_that_can_t_be_read_end_the_check(run: Run, tmp_path: Path) -> None:
    answer = run("policy", "check", "-f", policy(tmp_path, LIMIT), resources(tmp_path, "a: ["))

    assert (answer.code, answer.out) == (2, "")


def test_the_check_in_json(run: Run, tmp_path: Path) -> None:
    answer = run("policy", "check", "-f", policy(tmp_path, LIMIT), "-o", "json", resources(tmp_path, FEW))

    assert json.loads(answer.out)[0]["findings"][0]["change"] == "added"
