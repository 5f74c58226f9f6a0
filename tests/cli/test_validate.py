"""`validate`: every finding at its place, and every way in which a file is no RunaiNimService."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from local.cluster import CHECKOUT
from runai_nim.api.ours import OURS
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.cli.app import app
from runai_nim.cli.diagnostic import MAX_DIAGNOSTICS
from runai_nim.cli.documents import Document, read_documents
from runai_nim.cli.input_files import InputText
from runai_nim.cli.offline_context import CHART_VALUES
from runai_nim.config.settings import Settings
from runai_nim.domain.admission.runai_fields import check_runai_fields
from tests.cli.conftest import MINIMAL, Run
from tests.support.growth import LINEAR, growth

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"


def out(run: Run, content: str, *options: str) -> list[str]:
    """The lines on stdout, without the file's name."""
    answer = run("validate", "-f", "-", *options, stdin=content)
    return [line.removeprefix("<stdin>:") for line in answer.out.splitlines()]


def test_a_good_one_has_nothing_to_say(run: Run) -> None:
    answer = run("validate", "-f", "-", stdin=MINIMAL)

    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "1 RunaiNimService checked: no errors, no warnings\n"


def test_whether_a_claim_exists_is_not_known_here(run: Run) -> None:
    answer = run("validate", "-f", "-", stdin=MINIMAL.replace("nimCache: {name: cache}", "pvc: {claimName: weights}"))

    assert answer.code == 0
    assert "warning: spec.modelStore.pvc.claimInfo.size should be set unless the claim exists" in answer.out


@pytest.mark.parametrize(
    ("added", "line"),
    [
        (
            "    cpuMemoryRequest: 2Gi\n    cpuMemoryLimit: 1Gi\n",
            '13:5: error: spec.compute.cpuMemoryLimit is "1Gi" but must not be below cpuMemoryRequest (2Gi):'
            " raise the limit or lower the request",
        ),
        (
            "    gpuPortions: 0.5\n",
            '12:5: error: unknown field "spec.compute.gpuPortions": did you mean gpuPortionRequest?',
        ),
        (
            "  nodePools:\n    - a\n    - b\n    - a\n",
            '15:7: error: spec.nodePools[2] is "a" but must be listed once: remove one of the two',
        ),
        (
            "  replicas: many\n",
            '12:3: error: spec.replicas is "many" but must be an integer: correct or remove it',
        ),
        (
            "  environmentVariables:\n    - name: A\n      value: 1\n",
            '14:7: error: spec.environmentVariables[0].value is "1" but must be a string: quote it, "1"',
        ),
        (
            "  environmentVariables:\n    - name: A\n      value: x\n      secret: {name: s, key: k}\n",
            "13:7: error: spec.environmentVariables[0] must have one source only: keep one of value, secret, configMap,"
            " podFieldRef and userCredential",
        ),
        ("  image: b:1\n", '12:3: error: duplicate key "image" in lines 6 and 12: remove one'),
        (
            "---\nkind: RunaiNimService\n",
            "13:1: error: apiVersion must be runai-nim.io/v1alpha1: correct it\n"
            "13:1: error: spec must be a mapping: add it, with the NIM to serve\n"
            "13:1: error: metadata must be a mapping: add it, with a name",
        ),
    ],
)
def test_a_finding_has_the_place_of_its_field(run: Run, added: str, line: str) -> None:
    content = MINIMAL.replace("compute: {gpuDevicesRequest: 1}", "compute:") if added.startswith("    ") else MINIMAL
    assert [found for found in out(run, content + added) if "should request a GPU" not in found] == line.splitlines()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "runai-nim.io/v1alpha1",
            "runai-nim.io/v1",
            '1:1: error: apiVersion is "runai-nim.io/v1" but must be runai-nim.io/v1alpha1: correct it',
        ),
        (
            "  image: nvcr.io/nim/meta/llama:1.0\n",
            "",
            "5:1: error: spec.image must be set: name the NIM's image",
        ),
        ("  name: llama", "  labels: {}", "3:1: error: metadata.name must be set: add it, or generateName"),
        (
            "  name: llama",
            "  name: llama\n  namespce: x",
            '5:3: error: unknown field "metadata.namespce": did you mean namespace?',
        ),
        (
            "nimCache: {name: cache}",
            "nimCache: {name: cache, profile: null}",
            "9:29: warning: spec.modelStore.nimCache.profile should not be null, because server-side apply rejects"
            " null: remove it",
        ),
        (
            "nimCache: {name: cache}",
            "nimCache: {name: null}",
            "9:16: warning: spec.modelStore.nimCache.name should not be null, because server-side apply rejects null:"
            " remove it\n9:16: error: spec.modelStore.nimCache.name must be set: name a NIMCache of this namespace",
        ),
        (
            "compute: {gpuDevicesRequest: 1}",
            "compute: null",
            "11:3: warning: spec.compute should request a GPU, without one the pods get none: set gpuDevicesRequest, to"
            " 0 if none is needed",
        ),
        (
            "llama:1.0",
            "llama",
            "6:3: warning: spec.image should have a tag or digest, latest may be another image with each pull: add the"
            " version",
        ),
        ("  name: llama", "  name: 1", '4:3: error: metadata.name is "1" but must be a string: quote it, "1"'),
        (
            "  name: llama",
            "  name: llama\n  labels: {a: 1, b: x}",
            '5:12: error: metadata.labels[a] is "1" but must be a string: quote it, "1"',
        ),
        (
            "  name: llama",
            "  name: llama\n  annotations: []",
            "5:3: error: metadata.annotations must be a mapping of strings: correct or remove it",
        ),
        (
            "  name: llama",
            "  name: llama\n  labels: {kai.scheduler/queue: q}",
            "5:12: error: metadata.labels[kai.scheduler/queue] must not be set by hand:"
            " remove the label; this is set through the namespace's project",
        ),
        (
            "  name: llama",
            f"  generateName: {'a' * 55}",
            f'4:3: error: metadata.generateName is "{"a" * 55}xxxxx" but must have at most 59 characters (it has 60):'
            " choose another name and create the RunaiNimService again",
        ),
        (
            "spec:",
            "sepc: {}\nspec:",
            '5:1: error: unknown field "sepc": did you mean spec?',
        ),
    ],
)
def test_it_says_what_the_api_server_would(run: Run, old: str, new: str, line: str) -> None:
    assert out(run, MINIMAL.replace(old, new, 1)) == line.splitlines()


def test_a_generated_name_passes(run: Run) -> None:
    assert out(run, MINIMAL.replace("name: llama", "generateName: llama-", 1)) == []


@pytest.mark.parametrize(
    ("content", "line", "code"),
    [
        ("", "-: error: must contain a RunaiNimService: it contains none", 2),
        ("kind: ConfigMap\n", "-: error: must contain a RunaiNimService: it contains none", 2),
        ("- a\n", "1:1: error: must be a Kubernetes object, with apiVersion and kind: correct or remove it", 1),
        ("a: [", "2:1: error: must be YAML or JSON: did not find expected node content", 2),
    ],
)
def test_input_that_holds_none(run: Run, content: str, line: str, code: int) -> None:
    answer = run("validate", "-f", "-", stdin=content)

    assert ([text.removeprefix("<stdin>:") for text in answer.out.splitlines()], answer.code) == ([line], code)


def test_other_kinds_are_skipped_and_all_resources_are_checked(run: Run) -> None:
    other = MINIMAL.replace("name: llama", "name: mistral", 1)
    content = (
        f"kind: ConfigMap\nmetadata: {{name: settings}}\n---\n{MINIMAL}  replicas: -1\n---\n{other}  replicas: -2\n"
    )

    answer = run("validate", "-f", "-", stdin=content)

    assert [line.split(" ", 1)[0] for line in answer.out.splitlines()] == ["<stdin>:15:3:", "<stdin>:28:3:"]
    assert answer.err == (
        "<stdin>:1:1: note: skipped ConfigMap settings\n2 RunaiNimServices checked: 2 errors, no warnings\n"
    )


def test_a_list_is_looked_through(run: Run) -> None:
    indented = MINIMAL.replace("\n", "\n    ")
    content = f"kind: List\nitems:\n  - kind: Secret\n  - {indented}  replicas: -1\n"

    assert [line.split(" ", 1)[0] for line in out(run, content)] == ["15:7:"]


def test_several_files_and_directories(run: Run, tmp_path: Path) -> None:
    good, none = tmp_path / "good.yaml", tmp_path / "none.yaml"
    good.write_text(MINIMAL)

    answer = run("validate", "-f", good, "-f", none, "-f", SAMPLES)

    assert answer.code == 2
    assert answer.out.splitlines()[0] == f"{none}: error: can't be read: No such file or directory"
    assert answer.err.splitlines()[-1] == "7 RunaiNimServices checked: 2 errors, no warnings"


def test_the_same_resource_and_the_same_url_twice_are_warnings(run: Run) -> None:
    exposed = MINIMAL.replace("port: 8000", "port: 8000, exposedUrl: https://a.example.com/v1")
    other = exposed.replace("name: llama", "name: mistral", 1).replace("/v1}", "/v1/}")

    assert out(run, f"{exposed}---\n{exposed}---\n{other}") == [
        "16:3: warning: metadata.name should be that of one resource: default/llama is at <stdin>:4:3 too, remove or"
        " rename one of the two",
        "34:29: warning: spec.servingPort.exposedUrl should be that of one resource: default/llama at <stdin>:10:29"
        " has it too, give each a URL of its own",
    ]
    assert out(run, f"{exposed}---\n{other.replace('/v1/', '/v2')}") == []


def test_a_version_that_is_not_known_is_a_warning(run: Run) -> None:
    answer = run("validate", "-f", "-", "--nim-operator", "9.9.9", stdin=MINIMAL)

    assert answer.code == 0
    assert answer.out == (
        "--nim-operator: warning: should be one of 3.0.2, 3.1.0, 3.1.1, 3.1.2, 3.1.3, 3.1.4 and main, 9.9.9 is not"
        " known here and is taken for 3.1.4: name its CRD's file\n"
    )


NEAREST = (
    "--nim-operator: note: the fields of 3.1.4 are those of the CRD of main and of its release notes: name its CRD's"
    " file to be sure"
)


def test_a_release_whose_crd_is_not_known_is_a_note(run: Run) -> None:
    for version in ("3.0.2", "v3.1.2", "main"):
        answer = run("validate", "-f", "-", "--nim-operator", version, stdin=MINIMAL)
        assert (answer.out, len(answer.err.splitlines())) == ("", 1)

    validated = run("validate", "-f", "-", "--nim-operator", "3.1.4", stdin=MINIMAL)
    rendered = run("render", "-f", "-", "--nim-operator", "3.1.4", stdin=MINIMAL)
    compared = run("diff", "-f", "-", "--nim-operator", "3.1.4", "--new-nim-operator", "main", stdin=MINIMAL)

    assert (validated.out, validated.err.splitlines()[0]) == ("", NEAREST)
    assert rendered.err == f"{NEAREST}\n"
    assert (compared.code, compared.out, compared.err) == (0, "", f"{NEAREST}\n")


def test_a_gpu_may_come_by_a_profile_or_not_be_wanted(run: Run) -> None:
    without = MINIMAL.replace("  compute: {gpuDevicesRequest: 1}\n", "")

    assert len(out(run, without)) == 1
    assert out(run, without.replace("name: cache", "name: cache, profile: tp1")) == []
    assert out(run, MINIMAL.replace("Request: 1", "Request: 0")) == []


def test_warnings_do_not_fail(run: Run) -> None:
    answer = run("validate", "-f", "-", "--dialect", "kai", stdin=MINIMAL)

    assert answer.code == 0
    assert answer.out.startswith("<stdin>:1:1: warning: the namespace should have a label")


def test_json_says_the_same(run: Run) -> None:
    answer = run("validate", "-f", "-", "-o", "json", "-n", "team-a", stdin=MINIMAL + "  replicas: -1\n")

    assert answer.code == 1
    assert json.loads(answer.out) == [
        {
            "file": "<stdin>",
            "line": 12,
            "column": 3,
            "severity": "error",
            "reason": "InvalidValue",
            "path": "spec.replicas",
            "message": 'spec.replicas is "-1" but must be greater than or equal to 0: correct or remove it',
            "resource": "team-a/llama",
        }
    ]


def test_json_of_nothing_wrong_is_empty(run: Run) -> None:
    assert json.loads(run("validate", "-f", "-", "-o", "json", stdin=MINIMAL).out) == []


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda children: st.one_of(
        st.lists(children, max_size=3), st.dictionaries(st.text(max_size=20), children, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from([str(field.alias) for field in RunaiNimServiceSpec.model_fields.values()])
METADATA = st.dictionaries(st.sampled_from(["name", "generateName", "namespace", "labels", "annotations", "uid"]), JUNK)


@given(st.one_of(JUNK, METADATA), st.one_of(JUNK, st.dictionaries(NAMES, JUNK, max_size=4)), JUNK)
def test_no_manifest_raises(metadata: Any, spec: Any, version: Any) -> None:
    manifest = {"apiVersion": version, "kind": "RunaiNimService", "metadata": metadata, "spec": spec}

    for arguments in (["validate"], ["validate", "-o", "json"], ["render", "--explain"], ["convert"]):
        body = {key: part for key, part in manifest.items() if key in ("metadata", "spec")}
        text = json.dumps(body if arguments == ["convert"] else manifest)
        result = CliRunner().invoke(app, [*arguments, "-f", "-"], input=text, catch_exceptions=False)
        assert result.exit_code in (0, 1, 2)


def test_no_value_of_a_variable_or_annotation_is_shown(run: Run) -> None:
    added = """\
  environmentVariables:
    - {name: NIM_SERVER_PORT, value: hunter2}
    - {name: A, value: [hunter2]}
    - {name: A, value: hunter2, secret: {name: hunter2 }}
  unknown: hunter2
"""
    content = MINIMAL.replace(
        "nimCache: {name: cache}", "pvc: {claimInfo: {addedAttrValues: [{key: k, value: [hunter2]}]}}"
    )

    answer = run("validate", "-f", "-", stdin=content + added)

    assert answer.code == 1
    assert "hunter2" not in answer.out + answer.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--nim-operator", "x"],
            '--nim-operator: "x" is not a version of the NIM Operator; use one such as 3.1.4, main',
        ),
        (["--nim-operator", str(SAMPLES / "mistake.yaml")], "must contain the NIMService CRD"),
        (["--settings", "none.yaml"], "none.yaml: can't be read: No such file or directory"),
        (["--settings", str(SAMPLES)], "must contain one document: it contains 6"),
        (["--settings", "-"], "-: apiVersion in the settings file: unknown setting"),
        (["--namespace-label", "a"], '--namespace-label is "a" but must be key=value, such as runai/queue=team-a'),
    ],
)
def test_wrong_use_is_one_line(run: Run, options: list[str], message: str) -> None:
    answer = run("validate", "-f", SAMPLES, *options, stdin=MINIMAL)

    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


def test_values_of_the_chart_hold_settings(run: Run, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    for text, scheduler in (
        ("image: {tag: x}\nsettings: {scheduler_name: mine}\n", "mine"),
        ("image: {tag: x}\nsettings:\n", "runai-scheduler"),
        ("image: {tag: x}\nreplicas: 1\n", "runai-scheduler"),
        ("USER-SUPPLIED VALUES:\nimage: {tag: x}\n", "runai-scheduler"),
    ):
        values.write_text(text)
        assert f"schedulerName: {scheduler}" in run("render", "-f", "-", "--settings", values, stdin=MINIMAL).out
    values.write_text("settings: {schedulr_name: mine}\n")
    answer = run("render", "-f", "-", "--settings", values, stdin=MINIMAL)
    assert (answer.code, answer.err.partition(": ")[2]) == (
        2,
        "schedulr_name in the settings file: unknown setting; did you mean scheduler_name?\n",
    )
    values.write_text("image: {tag: x}\nscheduler_name: mine\n")
    assert "image in the settings file: unknown setting" in run("render", "-f", "-", "--settings", values).err


def test_the_chart_s_values_are_known_and_no_settings() -> None:
    schema = json.loads((CHECKOUT / "charts/runai-nim-operator/values.schema.json").read_text(encoding="utf-8"))

    assert set(schema["properties"]) == CHART_VALUES
    assert CHART_VALUES.isdisjoint(Settings.model_fields)


def test_a_version_of_the_nim_operator_refuses_what_it_lacks(run: Run) -> None:
    found = out(run, MINIMAL + "  nodePools: [a]\n", "--nim-operator", "3.0.1")

    assert [line[:40] for line in found] == [
        "--nim-operator: warning: should be one o",
        "12:3: error: spec.nodePools must not req",
    ]


def test_the_file_of_a_crd_does_as_well(run: Run, tmp_path: Path) -> None:
    properties: dict[str, Any] = {"spec": {"properties": {"image": {}}}}
    crd = {
        "names": {"kind": "NIMService"},
        "versions": [{"storage": True, "schema": {"openAPIV3Schema": {"properties": properties}}}],
    }
    (tmp_path / "crd.json").write_text(json.dumps({"spec": crd}))

    found = out(run, MINIMAL, "--nim-operator", str(tmp_path / "crd.json"))

    assert [line for line in found if "spec.storage" in line] == [
        "9:16: error: spec.modelStore.nimCache.name must not require spec.storage, which the NIMService kind of this"
        " cluster lacks: change it, or install a newer NIM Operator"
    ]


def unknown(count: int) -> str:
    return MINIMAL + "".join(f"  replica{number}: 1\n" for number in range(count))


def test_text_holds_the_first_findings_of_each_file(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(
            unknown(MAX_DIAGNOSTICS + 11)
            .replace("gpuDevicesRequest: 1", "gpuDevicesRequest: 1, a: null")
            .replace("llama\n", f"{name}\n")
        )

    answer = run("validate", "-f", tmp_path)

    lines = answer.out.splitlines()
    assert [sum(f"{name}.yaml" in line for line in lines) for name in ("a", "b")] == [MAX_DIAGNOSTICS, MAX_DIAGNOSTICS]
    assert all(" error: " in line for line in lines)  # rather than a warning
    more = "13 more findings are not shown: runai-nim validate -o json prints all findings"
    assert answer.err.splitlines() == [
        *(f"{tmp_path / name}.yaml: note: {more}" for name in ("a", "b")),
        "2 RunaiNimServices checked: 224 errors, 2 warnings",
    ]
    assert answer.code == 1
    assert len(json.loads(run("validate", "-f", tmp_path, "-o", "json").out)) == 226


def test_what_is_said_beside_other_output_is_bounded_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(unknown(MAX_DIAGNOSTICS + 50))
    (tmp_path / "b.json").write_text(
        json.dumps({"metadata": {}, "spec": {f"replica{n}": 1 for n in range(MAX_DIAGNOSTICS + 50)}})
    )

    rendered = run("render", "-f", tmp_path / "a.yaml").err.splitlines()
    converted = run("convert", "-f", tmp_path / "b.json").err.splitlines()
    (tmp_path / "c.yaml").write_text(MINIMAL)
    compared = run("diff", tmp_path / "a.yaml", tmp_path / "c.yaml").out.splitlines()
    (tmp_path / "a.yaml").write_text(unknown(MAX_DIAGNOSTICS + 1))
    one_more = (run("render", "-f", tmp_path / "a.yaml").err, run("diff", tmp_path / "a.yaml", tmp_path / "c.yaml").out)

    assert len(rendered) == len(converted) == MAX_DIAGNOSTICS + 1
    assert compared[1].startswith('- error: unknown field "spec.replica0"')
    assert len(compared) == MAX_DIAGNOSTICS + 2
    assert compared[-1] == "  50 more findings change: -o json prints all of them"
    assert "note: 1 more finding is not shown: runai-nim" in one_more[0]
    assert one_more[1].endswith("  1 more finding changes: -o json prints all of them\n")


@pytest.mark.parametrize("options", [(), ("-o", "json")])
def test_findings_cost_what_their_number_is(tmp_path: Path, options: tuple[str, ...]) -> None:
    def made(count: int) -> list[str]:
        path = tmp_path / f"{count}.yaml"
        path.write_text(unknown(count))
        return ["validate", "-f", str(path), *options]

    assert growth(lambda arguments: CliRunner().invoke(app, arguments), made, 400) < LINEAR


def test_places_of_keys_with_dots_and_brackets() -> None:
    names = ["a", "a.b", ".a[b", "x." * 400, "[x]", "." * 500]
    (document,) = read_documents(
        InputText("a.yaml", json.dumps({"spec": {name: {"c": 1} for name in names}}, indent=1))
    )
    assert isinstance(document, Document)

    assert [document.locate(f"spec.{name}").line for name in names] == [3 + 3 * number for number in range(len(names))]
    assert [document.locate(f"spec.{name}.c").line for name in names[:3]] == [4, 7, 10]
    assert document.locate(f"spec{'.y' * 1000}").line == 2


def test_strict_runai_rejects_every_field_of_ours(run: Run) -> None:
    content = MINIMAL + "  desiredPhase: Running\n  nodePools: [a]\n  category:\n"
    content = content.replace("nimCache: {name: cache}", "pvc: {retentionPolicy: Delete, claimInfo: {size: 9Gi}}")

    assert out(run, content) == []
    lacking = "it is this operator's own, Run:ai's API lacks it: remove it for Run:ai"
    assert out(run, content, "--strict-runai") == [
        f'9:11: error: unknown field "spec.modelStore.pvc.retentionPolicy": {lacking}',
        f'12:3: error: unknown field "spec.desiredPhase": {lacking}, and suspend the workload by its own request',
    ]
    assert run("validate", "-f", "-", "--strict-runai", stdin=MINIMAL).code == 0


def test_strict_runai_knows_every_field_of_ours() -> None:
    for path in OURS:
        spec: Any = {}
        for name in reversed(path.split(".")[1:]):
            spec = {name: spec}
        assert [found.path for found in check_runai_fields(spec)] == [path]
