from typing import Any

import pytest

from runai_nim.api.gitops_owner import owner_of


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
