"""What a tenant can't reach through a RunaiNimService: the cluster's edge, hosts and objects of others."""

from typing import Any

import pytest

from local.objects import Objects, wait_for
from tests.cluster.services import NIMSERVICE, condition, present, sample, settled
from tests.cluster.test_exposure import BY_INGRESS, INGRESS, Configured, configured, exposed

pytestmark = pytest.mark.usefixtures("stand_in")
__all__ = ["configured"]

AUTH = "nginx.ingress.kubernetes.io/auth-url"
WITH_AUTH = {**BY_INGRESS, "RUNAI_NIM_EXTERNAL_ANNOTATIONS": f'{{"{AUTH}": "https://sso.example.com"}}'}


def annotated(key: str, value: str) -> dict[str, Any]:
    return {"annotations": [{"name": key, "value": value}]}


def test_the_administrator_s_authentication_can_t_be_switched_off(objects: Objects, configured: Configured) -> None:
    configured(WITH_AUTH)
    objects.apply(sample("gpu-portion", **annotated(AUTH, "")))
    settled(objects, "llama-8b", "ReservedKey")
    assert "external_annotations" in condition(objects, "llama-8b", "Ready")["message"]
    assert objects.get(NIMSERVICE, "llama-8b") is None

    exposed(objects)
    ingress = wait_for(lambda: objects.get(INGRESS, "llama-8b"))
    assert ingress["metadata"]["annotations"][AUTH] == "https://sso.example.com"

    objects.apply(sample("gpu-portion", **annotated(AUTH, "")))
    settled(objects, "llama-8b", "ReservedKey")
    assert present(objects, INGRESS, "llama-8b")["metadata"]["annotations"][AUTH] == "https://sso.example.com"


def test_what_an_administrator_allows_reaches_the_service(objects: Objects, configured: Configured) -> None:
    key = "service.beta.kubernetes.io/aws-load-balancer-internal"
    objects.apply(sample("gpu-portion", **annotated(key, "true")))
    settled(objects, "llama-8b", "ReservedKey")
    configured({"RUNAI_NIM_ALLOWED_ANNOTATIONS": '["service.beta.kubernetes.io/*"]'})
    settled(objects, "llama-8b", "Running")
    assert present(objects, "v1 Service", "llama-8b")["metadata"]["annotations"][key] == "true"
