"""The generated CRDs on the API server, and ways to send objects of it and to read what it says."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client import ApiException

from local.cluster import LocalCluster
from local.control_plane import ControlPlane
from runai_nim.api.crd import make_schema
from runai_nim.api.kinds import RUNAI_NIM_SERVICE
from runai_nim.api.well_known import GROUP, PLURAL, VERSION

CRDS = Path(__file__).resolve().parents[3] / "crds"
NAMESPACE = "crd-tests"
TYPE: dict[str, Any] = {"group": GROUP, "version": VERSION, "namespace": NAMESPACE, "plural": PLURAL}


@pytest.fixture(scope="session")
def crd(local_cluster: LocalCluster, control_plane: ControlPlane) -> None:
    local_cluster.operator.stop()  # these tests write status themselves
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", "--filename", str(CRDS))
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "--filename", str(CRDS))


@pytest.fixture(scope="session")
def api(control_plane: ControlPlane, crd: None) -> Iterator[client.CustomObjectsApi]:
    connection = config.new_client_from_config(str(control_plane.kubeconfig))
    namespaces = client.CoreV1Api(connection)
    namespaces.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    yield client.CustomObjectsApi(connection)
    namespaces.delete_namespace(NAMESPACE)
    connection.close()


@pytest.fixture
def create(api: client.CustomObjectsApi) -> Callable[..., dict[str, Any]]:
    """Create a RunaiNimService with that spec and unknown fields refused; stored=False: only as a dry run."""

    def create(spec: dict[str, Any], name: str = "llama", *, stored: bool = False) -> dict[str, Any]:
        answer = api.create_namespaced_custom_object(
            **TYPE,
            body={
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": "RunaiNimService",
                "metadata": {"name": name},
                "spec": spec,
            },
            field_validation="Strict",
            dry_run=None if stored else "All",
        )
        assert isinstance(answer, dict)
        return answer

    return create


@pytest.fixture
def replace(api: client.CustomObjectsApi) -> Callable[..., dict[str, Any]]:
    """Replace the spec of a stored RunaiNimService."""

    def replace(stored: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
        name = stored["metadata"]["name"]
        answer = api.replace_namespaced_custom_object(**TYPE, name=name, body={**stored, "spec": spec})
        assert isinstance(answer, dict)
        return answer

    return replace


@pytest.fixture
def causes() -> Callable[[ApiException], dict[str, str]]:
    """What the API server said against an object, by field."""

    def causes(refusal: ApiException) -> dict[str, str]:
        assert refusal.status == 422, refusal.body
        return {cause["field"]: cause["message"] for cause in json.loads(str(refusal.body))["details"]["causes"]}

    return causes


@pytest.fixture(scope="session")
def rules() -> list[tuple[str, str]]:
    """Field and message of every CEL rule; a field of a list's items is written as that of its second."""
    return list(_rules(make_schema(RUNAI_NIM_SERVICE)))


def _rules(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield f"{path}{rule['fieldPath']}".removeprefix("."), rule["message"]
    for name, field in schema.get("properties", {}).items():
        yield from _rules(field, f"{path}.{name}")
    if "items" in schema:
        yield from _rules(schema["items"], f"{path}[1]")
