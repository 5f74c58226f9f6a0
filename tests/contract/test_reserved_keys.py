"""Keys by which schedulers and the NIM Operator work are no user's to set, wherever a user could write one."""

from dataclasses import replace
from typing import Any

import pytest

from runai_nim.api import well_known
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.translate import Desired, translate
from tests.contract.resources import CONTEXTS, VALID, key_sets
from tests.contract.specs import Spec
from tests.support.decisions import input_of
from tests.support.resources import a_cr

# The list of keys that nobody but the operator may set, with an example for each pattern.
RESERVED = (
    "kai.scheduler/queue",
    "kai.scheduler/anything",
    "runai/queue",
    "runai/anything",
    "run.ai/anything",
    "runai-nim.io/service",
    "runai-nim.io/anything",
    "kai/project",
    "kai/anything",
    "project",
    "user",
    "priorityClassName",
    "gpu-fraction",
    "gpu-fraction-anything",
    "gpu-memory",
    "gpu-memory-anything",
    "mps",
    "runai-gpu-limit",
    "pod-group-name",
    "received-resource-type",
    "nvidia.com/gpu",
    "nvidia.com/container.llama-ctr.gpu-memory.request",
    "kai.scheduler/container.llama-ctr.gpu-memory.portion.limit",
    "openshift.io/required-scc",
)
RESERVED_ON_CHILDREN = ("app", "app.kubernetes.io/name", "app.kubernetes.io/anything")
RESERVED_ANYWHERE = [
    (name, key.replace("*", "llama-ctr"))
    for name, context in CONTEXTS.items()
    for key in (*RESERVED, *context.settings.configured_keys)
]
BUSY: Spec = {
    **VALID,
    "compute": {"gpuRequestType": "portion", "gpuPortionRequest": 0.5},
    "priorityClass": "high",
    "nodePools": ["a"],
    "category": "train",
}


def errors(desired: Desired) -> list[str]:
    return [finding.path for finding in desired.findings if finding.severity == "error"]


@pytest.mark.parametrize(("context", "key"), RESERVED_ANYWHERE)
@pytest.mark.parametrize("exclude", [False, True])
@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_a_reserved_key_is_not_a_user_s(context: str, key: str, field: str, exclude: bool) -> None:
    spec = {**BUSY, field: [{"name": key, "value": "mine", "exclude": exclude}]}

    desired = translate(input_of(a_cr(spec), CONTEXTS[context]))

    if exclude:
        assert key_sets(desired) == key_sets(translate(input_of(a_cr(BUSY), CONTEXTS[context]))) != []
    else:
        assert errors(desired) == [f"spec.{field}[0].name"]


@pytest.mark.parametrize("key", RESERVED_ON_CHILDREN)
@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_a_key_of_the_nim_operator_is_not_a_user_s(key: str, field: str) -> None:
    spec = {**BUSY, field: [{"name": key, "value": "mine"}]}

    assert errors(translate(input_of(a_cr(spec), CONTEXTS["runai"]))) == [f"spec.{field}[0].name"]


@pytest.mark.parametrize(("context", "key"), RESERVED_ANYWHERE)
def test_a_reserved_label_of_the_resource_is_refused(context: str, key: str) -> None:
    assert errors(translate(input_of(a_cr(BUSY, labels={key: "mine"}), CONTEXTS[context]))) == [
        f"metadata.labels[{key}]"
    ]


EDGE = [pattern.replace("*", "x") for pattern in well_known.EDGE_KEYS]


def edge_errors(name: str, exclude: bool = False, **settings: Any) -> list[str]:
    context = replace(CONTEXTS["runai"], settings=load_settings(settings, {}))
    spec = {**BUSY, "annotations": [{"name": name, "value": "mine", "exclude": exclude}]}
    return errors(translate(input_of(a_cr(spec), context)))


@pytest.mark.parametrize("key", EDGE)
def test_what_the_cluster_s_edge_reads_is_no_user_s_unless_it_is_allowed(key: str) -> None:
    assert edge_errors(key) == ["spec.annotations[0].name"]
    assert edge_errors(key, exclude=True) == []
    assert edge_errors(key, allowed_annotations=["other.io/*"]) == ["spec.annotations[0].name"]
    assert edge_errors(key, allowed_annotations=["other.io/*", key[:-1] + "*"]) == []


@pytest.mark.parametrize("key", ["example.com/note", "nginx.ingress.kubernetes.io/auth-url"])
@pytest.mark.parametrize("setting", ["external_annotations", "service_annotations"])
def test_a_key_of_the_administrator_s_annotations_is_no_user_s_even_if_it_is_allowed(setting: str, key: str) -> None:
    settings: dict[str, Any] = {setting: {key: "theirs"}, "allowed_annotations": ["*"]}

    assert edge_errors(key, **settings) == ["spec.annotations[0].name"]
    assert edge_errors(key, exclude=True, **settings) == []


def test_what_a_scheduler_reads_can_t_be_allowed() -> None:
    assert edge_errors("gpu-fraction", allowed_annotations=["*"]) == ["spec.annotations[0].name"]


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("kai.scheduler/topology", True),
        ("runai/anything", True),
        ("kai.scheduler/queue", False),
        ("kai.scheduler/node-pool", False),
        ("runai-nim.io/anything", False),
        ("gpu-fraction-anything", False),
        ("nvidia.com/anything", False),
    ],
)
def test_only_what_nothing_sets_of_a_scheduler_s_keys_can_be_allowed(key: str, allowed: bool) -> None:
    patterns = ["kai.scheduler/*", "runai/*", "run.ai/*"]

    assert edge_errors(key) == ["spec.annotations[0].name"]
    assert edge_errors(key, allowed_scheduler_annotations=patterns) == ([] if allowed else ["spec.annotations[0].name"])
