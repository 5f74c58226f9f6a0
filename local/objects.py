"""Objects of one namespace, read and written as administrator: what a person does with kubectl, many times faster.

Objects are plain mappings, as in the API. Kinds are written as in a manifest: "v1 PersistentVolumeClaim". What the API
server refuses is raised as kubernetes.dynamic.exceptions.DynamicApiError, its own words in `summary()`.
"""

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from kubernetes.config import new_client_from_config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

Object = dict[str, Any]
T = TypeVar("T")
FIELD_MANAGER = "a-person"


class Objects:
    """Access with a kubeconfig, beside which the discovered kinds are kept; a context manager: it holds connections."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.namespace = namespace
        self._api = new_client_from_config(str(kubeconfig))
        self._client = DynamicClient(self._api, cache_file=f"{kubeconfig}.discovered")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()

    def of(self, namespace: str) -> Self:
        """The objects of another namespace, by the same connections: they end with these."""
        others = copy.copy(self)
        others.namespace = namespace
        return others

    def apply(self, manifest: Object) -> Object:
        """Server-side apply with force and strict field validation; returns the object as stored."""
        return self._as_mapping(
            self._kind(f"{manifest['apiVersion']} {manifest['kind']}").server_side_apply(
                body=manifest,
                namespace=self.namespace,
                field_manager=FIELD_MANAGER,
                force_conflicts=True,
                query_params=[("fieldValidation", "Strict")],
            )
        )

    def patch(self, kind: str, name: str, patch: Object, subresource: str | None = None) -> Object:
        """Merge-patch an object, or its subresource ("status", "scale"); returns it as stored."""
        resource = self._kind(kind)
        target = resource.subresources[subresource] if subresource else resource
        return self._as_mapping(
            target.patch(
                body=patch,
                name=name,
                namespace=self.namespace,
                field_manager=FIELD_MANAGER,
                content_type="application/merge-patch+json",
            )
        )

    def annotate(self, kind: str, name: str, annotations: dict[str, str]) -> None:
        """Set annotations; of the object only `metadata` is sent back, however large it is."""
        request = self._api.param_serialize(
            "PATCH",
            self._kind(kind).path(name=name, namespace=self.namespace),
            header_params={
                "Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
                "Content-Type": "application/merge-patch+json",
            },
            body={"metadata": {"annotations": annotations}},
            auth_settings=["BearerToken"],
        )
        self._api.call_api(*request).read()

    def get(self, kind: str, name: str) -> Object | None:
        """Return the object, or None if it doesn't exist."""
        try:
            return self._as_mapping(self._kind(kind).get(name=name, namespace=self.namespace))
        except NotFoundError:
            return None

    def list(self, kind: str, selector: str = "") -> list[Object]:
        """Return the objects of a kind that a label selector picks; all without one."""
        found = self._as_mapping(self._kind(kind).get(namespace=self.namespace, label_selector=selector))
        items: list[Object] = found["items"]
        return items

    def delete(self, kind: str, name: str, policy: str = "Background") -> None:
        """Delete with that propagation policy; an absent object is not an error."""
        try:
            self._kind(kind).delete(name=name, namespace=self.namespace, propagation_policy=policy)
        except NotFoundError:
            return

    def evict(self, name: str) -> None:
        """Ask for the eviction of a pod, as a drain does; raises DynamicApiError (429) where a budget forbids it."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": self.namespace}}
        self._kind("v1 Pod").subresources["eviction"].create(body=body, name=name, namespace=self.namespace)

    def _kind(self, kind: str) -> Any:
        version, name = kind.split()
        return self._client.resources.get(api_version=version, kind=name)

    @staticmethod
    def _as_mapping(instance: Any) -> Object:
        mapping: Object = instance.to_dict()
        return mapping


def wait_for(what: Callable[[], T | None], seconds: float = 20, pause: float = 0.05) -> T:
    """Poll until the result is true and return it; TimeoutError after `seconds`, with the last result."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the condition was not met within {seconds:g} s; the last answer was {answer!r}")
        time.sleep(pause)
    return answer
