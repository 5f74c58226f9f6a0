from typing import Any

import pytest

from runai_nim.api.gitops_owner import owner_of, owner_of_annotation


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, "Argo CD"),
        ({"labels": {"argocd.argoproj.io/instance": "x"}, "annotations": None}, "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}, "Flux"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "x"}}, "Flux"),
        ({"labels": {"a": "b"}, "annotations": {"meta.helm.sh/release-name": "x"}}, "Helm"),
        ({"labels": {"app.kubernetes.io/managed-by": "me"}}, None),
        ({}, None),
    ],
)
def test_the_tool_is_known_by_its_mark(metadata: dict[str, Any], owner: str | None) -> None:
    assert owner_of(metadata) == owner


def managed_by(manager: str, fields: Any) -> dict[str, Any]:
    return {"managedFields": [{"manager": "kubectl"}, {"manager": manager, "fieldsV1": fields}]}


def test_an_annotation_is_the_tool_s_only_if_its_manifest_sets_it() -> None:
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {".": {}, "f:runai-nim.io/paused": {}}}}

    assert owner_of_annotation(managed_by("kustomize-controller", fields), "runai-nim.io/paused") == "Flux"
    assert owner_of_annotation(managed_by("helm", fields), "runai-nim.io/restarted-at") is None
    assert owner_of_annotation(managed_by("runai-nim", fields), "runai-nim.io/paused") is None
    assert owner_of_annotation(managed_by("argocd-controller", {"f:metadata": 1}), "runai-nim.io/paused") is None
    assert owner_of_annotation({}, "runai-nim.io/paused") is None
