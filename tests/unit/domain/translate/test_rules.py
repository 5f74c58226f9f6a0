from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from runai_nim.api import well_known
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.reasons import Reason
from runai_nim.domain.translate import translate
from runai_nim.domain.translate.nimservice import ROWS
from runai_nim.domain.translate.rules import MappingRow, TranslationSource, provenance, render_rows
from runai_nim.domain.translate.tables import TABLES
from tests.contract.resources import PLATFORM
from tests.support.decisions import input_of

SPEC: dict[str, Any] = {
    "image": "nvcr.io/nim/meta/llama:1.0",
    "ngcAuthSecret": "ngc",
    "modelStore": {"nimCache": {"name": "cache", "profile": "p1"}},
    "servingPort": {"port": 8000},
    "compute": {"gpuRequestType": "portion", "gpuPortionRequest": 0.5},
    "environmentVariables": [{"name": "A", "value": "1"}, {"name": "B", "secret": {"name": "s", "key": "k"}}],
    "nodePools": ["h100"],
    "category": "Deploy",
}


def a_source() -> TranslationSource:
    cr = {"metadata": {"name": "llama", "namespace": "team-a", "uid": "u-1"}, "spec": SPEC}
    cr = {"metadata": {"name": "llama", "namespace": "team-a", "uid": "u-1"}, "spec": SPEC}
    return TranslationSource.of(input_of(cr, Context(load_settings(None, {}))))


def row(field: str, fragment: Any) -> MappingRow:
    return MappingRow(field, "", lambda _: fragment)


def test_rows_are_united_level_by_level_and_lists_end_to_end() -> None:
    rows = [row("a", {"x": {"y": 1, "l": [1]}}), row("b", {"x": {"z": 2, "l": [2]}}), row("c", {})]
    assert render_rows(rows, a_source()) == {"x": {"y": 1, "z": 2, "l": [1, 2]}}


def test_uniting_changes_no_fragment() -> None:
    shared = {"x": {"l": [1]}}
    render_rows([row("a", shared), row("b", {"x": {"l": [2], "y": 1}})], a_source())
    assert shared == {"x": {"l": [1]}}


def test_each_leaf_knows_its_row() -> None:
    found = {path: row.field for path, row in provenance(ROWS, a_source()).items()}
    assert found["spec", "image", "tag"] == "spec.image"
    assert found["spec", "annotations", "gpu-fraction"] == "spec.compute.gpuPortionRequest"
    assert found["spec", "annotations", "gpu-fraction-container-name"] == "spec.compute.gpuRequestType"
    assert found["spec", "env", 0, "value"] == "spec.modelStore.nimCache.profile"
    assert found["spec", "env", 1, "value"] == "spec.environmentVariables"
    assert found["spec", "env", 2, "valueFrom", "secretKeyRef", "key"] == "spec.environmentVariables"
    assert found["metadata", "annotations", "runai-nim.io/category"] == "spec.category"
    assert found["spec", "schedulerName"] == ""


def test_every_leaf_that_rows_make_has_one_origin() -> None:
    source = a_source()
    assert set(provenance(ROWS, source)) == set(_leaves(render_rows(ROWS, source), ()))


def test_an_origin_is_what_the_leaf_depends_on() -> None:
    cr = {"metadata": {"name": "llama", "namespace": "team-a"}, "spec": {**SPEC, "category": "Train"}}
    changed = translate(input_of(cr, Context(load_settings(None, {})))).nimservice
    assert changed is not None
    assert changed["spec"]["annotations"]["runai-nim.io/category"] == "Train"


def _leaves(value: Any, path: tuple[str | int, ...]) -> Any:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [leaf for key, part in parts for leaf in _leaves(part, (*path, key))]
    return found or [path]


def test_a_field_that_the_kind_lacks_is_named_by_the_row_that_asks_for_it() -> None:
    cr = {"metadata": {"name": "llama", "namespace": "team-a"}, "spec": SPEC}
    known: dict[str, Any] = {"annotations": {}, "labels": {}, "image": {"tag": {}}, "schedulerName": {}}
    installed = NIMServiceSchema(fields={"spec": known})
    findings = translate(input_of(cr, Context(load_settings(None, {}), nimservice_schema=installed))).findings
    assert ("spec.image", "image.repository") in {
        (f.path, f.must.split(",")[0].removeprefix("not require spec.")) for f in findings
    }


def test_a_field_that_no_field_of_the_api_asks_for_is_the_operator_s() -> None:
    cr = {"metadata": {"name": "llama", "namespace": "team-a"}, "spec": SPEC}
    installed = NIMServiceSchema(missing_paths=frozenset({("spec", "schedulerName")}))
    findings = translate(input_of(cr, Context(load_settings(None, {}), nimservice_schema=installed))).findings
    (finding,) = (finding for finding in findings if finding.severity == "error")
    assert finding.message == (
        "the operator's settings must not require spec.schedulerName, which the NIMService kind of this cluster lacks:"
        " change it, or install a newer NIM Operator"
    )


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("runtime_class_name", "spec.runtimeClassName"),
        ("node_selector", "spec.affinity"),
        ("shared_memory_size", "spec.storage.sharedMemorySizeLimit"),
        ("startup_probe", "spec.startupProbe"),
        ("proxy", "spec.proxy"),
        ("metrics_service_monitor", "spec.metrics"),
        ("service_annotations", "spec.expose.service.annotations"),
    ],
)
def test_a_setting_that_the_kind_has_no_field_for_is_named(setting: str, path: str) -> None:
    spec = {key: value for key, value in SPEC.items() if key != "nodePools"}
    cr = {"metadata": {"name": "llama", "namespace": "team-a"}, "spec": spec}
    installed = NIMServiceSchema(missing_paths=frozenset({tuple(path.split("."))}))
    settings = load_settings({setting: PLATFORM[setting]}, {})
    findings = translate(input_of(cr, Context(settings, nimservice_schema=installed))).findings
    (finding,) = (finding for finding in findings if finding.severity == "error")
    assert (finding.reason, finding.path) == (Reason.NOT_INSTALLED, f"the operator's setting {setting}")
    assert finding.must == f"not require {path}, which the NIMService kind of this cluster lacks"


def test_annotations_of_the_service_and_a_service_monitor_replace_no_pods() -> None:
    def pod_hash(settings: dict[str, Any]) -> str:
        cr = {"metadata": {"name": "llama", "namespace": "team-a"}, "spec": SPEC}
        made = translate(input_of(cr, Context(load_settings(settings, {})))).nimservice
        assert made is not None
        return str(made["spec"]["annotations"][well_known.POD_HASH])

    kept = {"metrics_service_monitor", "service_annotations", "allowed_scheduler_annotations"}
    changed = {name for name, value in PLATFORM.items() if pod_hash({name: value}) != pod_hash({})}
    assert changed == PLATFORM.keys() - kept


def fields_of(model: type[BaseModel], path: str) -> Iterator[str]:
    for field in model.model_fields.values():
        below = f"{path}.{field.alias}"
        inner = list(models_of(field.annotation))
        yield from fields_of(inner[0], below + "[]" * ("tuple" in str(field.annotation))) if inner else (below,)


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_of(part)


def test_every_field_of_the_api_has_a_row_or_is_in_the_block_of_one() -> None:
    rows = {row.field for table in TABLES.values() for row in table if row.field}
    fields = list(fields_of(RunaiNimServiceSpec, "spec"))
    assert [field for field in fields if not any(f"{field}.".startswith((f"{row}.", f"{row}[")) for row in rows)] == []
    unknown = [row for row in rows if row.startswith("spec.") and not any(field.startswith(row) for field in fields)]
    assert unknown == []
