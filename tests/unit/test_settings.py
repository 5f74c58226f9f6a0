from pathlib import Path
from typing import Any

import pytest
import yaml

from runai_nim.settings import Settings, SettingsError, settings_from

EXAMPLE = Path(__file__).parents[2] / "deploy" / "settings.yaml"


def test_nothing_given_means_the_defaults_of_runai() -> None:
    settings = settings_from(None, {})

    assert settings == settings_from({}, {}) == Settings.model_validate({})
    assert (settings.scheduler_name, settings.project_labels) == ("runai-scheduler", ("runai/queue",))
    assert (settings.queue_label, settings.node_pool_label) == (None, "runai/node-pool")
    assert (settings.gpu_fraction_limit_annotation, settings.node_pools_annotation) == ("gpu-fraction-limit", None)


def test_the_kai_dialect_has_its_own_defaults() -> None:
    settings = settings_from({"dialect": "kai"}, {})

    assert (settings.scheduler_name, settings.project_labels) == ("kai-scheduler", ("kai/project", "runai/queue"))
    assert (settings.queue_label, settings.node_pool_label) == ("kai.scheduler/queue", "kai.scheduler/node-pool")
    assert (settings.gpu_fraction_limit_annotation, settings.node_pools_annotation) == (
        None,
        "kai.scheduler/node-pools",
    )


def test_the_example_file_holds_every_setting_with_its_default() -> None:
    example = yaml.safe_load(EXAMPLE.read_text())

    assert settings_from(example, {}) == settings_from(None, {})
    assert set(example) == set(Settings.model_fields)


def test_the_environment_wins_over_the_file_and_the_file_over_the_dialect() -> None:
    file = {"dialect": "kai", "scheduler_name": "mine", "workers": 3, "node_pools_annotation": "example.com/pools"}
    environ = {
        "RUNAI_NIM_WORKERS": "5",
        "RUNAI_NIM_NODE_POOLS_ANNOTATION": "",
        "RUNAI_NIM_PRIORITY_CLASSES": '{"high": "fast"}',
        "RUNAI_NIM_PROJECT_LABELS": '["example.com/project"]',
        "RUNAI_NIM_SETTINGS_FILE": "somewhere",
        "HOME": "/",
    }

    settings = settings_from(file, environ)

    assert (settings.scheduler_name, settings.workers, settings.node_pools_annotation) == ("mine", 5, None)
    assert settings.priority_classes["high"] == "fast"
    assert settings.priority_classes["low"] == "low"
    assert settings.project_labels == ("example.com/project",)


@pytest.mark.parametrize(
    "variable", ["RUNAI_NIM_OPERATOR_SERVICE_HOST", "RUNAI_NIM_OPERATOR_PORT", "RUNAI_NIM_OPERATOR_PORT_8080_TCP_ADDR"]
)
def test_what_the_kubelet_sets_for_a_service_is_no_setting(variable: str) -> None:
    assert settings_from(None, {variable: "10.0.0.1"}) == settings_from(None, {})


@pytest.mark.parametrize(
    ("file", "environ", "messages"),
    [
        ({"wrkers": 3}, {}, ["wrkers in the settings file: no such setting; did you mean workers?"]),
        ({"xyz": 3}, {}, ["xyz in the settings file: no such setting; remove it"]),
        ({3: 3}, {}, ["3 in the settings file: no such setting; remove it"]),
        ({}, {"RUNAI_NIM_LOGLEVEL": "x"}, ["loglevel in RUNAI_NIM_LOGLEVEL: no such setting; did you mean log_level?"]),
        ({"dialect": "kia"}, {}, ["dialect in the settings file: found 'kia'", "'runai' or 'kai'"]),
        ({"dialect": []}, {}, ["dialect in the settings file: found []"]),
        (
            {},
            {"RUNAI_NIM_HEALTHZ_PORT": "tcp://10.0.0.1:80"},
            ["healthz_port in RUNAI_NIM_HEALTHZ_PORT", "valid integer"],
        ),
        ({"healthz_port": 70000}, {}, ["healthz_port in the settings file: found 70000", "65535"]),
        ({"workers": True}, {}, ["workers in the settings file: found True: a number is wanted"]),
        ({"workers": 0, "log_level": "loud"}, {}, ["workers in the settings file", "log_level in the settings file"]),
        ({"watch_resync_seconds": float("nan")}, {}, ["watch_resync_seconds"]),
        ({"scheduler_name": "yes"}, {}, ["scheduler_name in the settings file: found 'yes'", "no YAML word"]),
        ({"scheduler_name": "My scheduler"}, {}, ["scheduler_name", "lower case letters"]),
        ({"scheduler_name": None}, {}, ["scheduler_name in the settings file: found None"]),
        ({"node_pool_label": "a b"}, {}, ["node_pool_label", "`name` or `domain/name`"]),
        ({"node_pool_label": "app.kubernetes.io/name"}, {}, ["node_pool_label", "the NIM Operator uses this key"]),
        ({"priority_label": "app"}, {}, ["priority_label", "the NIM Operator uses this key"]),
        ({"priority_label": "runai-nim.io/service"}, {}, ["priority_label", "the operator uses this key itself"]),
        ({"priority_classes": {"hgh": "x"}}, {}, ["priority_classes.hgh", "'very-high'"]),
        ({"priority_classes": {"high": "not a value"}}, {}, ["priority_classes.high", "a label value"]),
        ({"priority_classes": ["high"]}, {}, ["priority_classes in the settings file", "dictionary"]),
        (
            {},
            {"RUNAI_NIM_PROJECT_LABELS": "runai/queue"},
            ["RUNAI_NIM_PROJECT_LABELS: found 'runai/queue'; write JSON"],
        ),
        ({"gpu_memory_annotation": "gpu-fraction"}, {}, ["settings: two settings use the same key gpu-fraction"]),
        ({"priority_label": "runai/node-pool"}, {}, ["settings: two settings use the same key runai/node-pool"]),
        ({"backoff_initial_seconds": 9, "backoff_max_seconds": 3}, {}, ["backoff_initial_seconds is above"]),
        ({"queue": "serving"}, {}, ["queue is set without queue_label"]),
        (["dialect"], {}, ["the settings file holds list; it must hold `setting: value` lines"]),
    ],
)
def test_mistakes_are_named(file: Any, environ: dict[str, str], messages: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        settings_from(file, environ)

    for message in messages:
        assert message in str(error.value)
