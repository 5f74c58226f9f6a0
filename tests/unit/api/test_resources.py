import pytest

from runai_nim.api.resources import DEPLOYMENTS, NAMESPACES, PODS, ROUTES, Resource, object_key


@pytest.mark.parametrize(
    ("resource", "namespace", "name", "path"),
    [
        (PODS, None, None, "/api/v1/pods"),
        (PODS, "team", None, "/api/v1/namespaces/team/pods"),
        (DEPLOYMENTS, "team", "llama", "/apis/apps/v1/namespaces/team/deployments/llama"),
        (NAMESPACES, "", "a/b", "/api/v1/namespaces/a%2Fb"),
    ],
)
def test_path_of_an_object_or_a_list(resource: Resource, namespace: str | None, name: str | None, path: str) -> None:
    assert resource.path(namespace, name) == path


def test_api_version_of_core_has_no_group() -> None:
    assert (PODS.api_version, DEPLOYMENTS.api_version) == ("v1", "apps/v1")


def test_routes_are_known_by_kind() -> None:
    assert [route.kind for route in ROUTES] == ["Ingress", "HTTPRoute", "GRPCRoute"]


@pytest.mark.parametrize(("namespace", "key"), [({"namespace": "team"}, ("team", "llama")), ({}, ("", "llama"))])
def test_key_of_an_object(namespace: dict[str, str], key: tuple[str, str]) -> None:
    assert object_key({"metadata": {"name": "llama", **namespace}}) == key
