"""What `runai-nim doctor` reads of a cluster. It reads only, and goes on where it may not read."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.kinds import KINDS
from runai_nim.api.resources import (
    CLUSTER_RUNAI_NIM_POLICIES,
    DEPLOYMENTS,
    NAMESPACES,
    PRIORITY_CLASSES,
    RUNAI_NIM_POLICIES,
    RUNAI_NIM_SERVICES,
    KubeObject,
    ObjectView,
    Resource,
)
from runai_nim.api.untrusted_values import mapping, word
from runai_nim.config.permissions import Access, required_access
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.kube.access_review import is_allowed
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from runai_nim.kube.discovery import schema_of

NODES: Final = Resource("", "v1", "nodes", "Node", namespaced=False)
STORAGE_CLASSES: Final = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
INGRESS_CLASSES: Final = Resource("networking.k8s.io", "v1", "ingressclasses", "IngressClass", namespaced=False)

OPERATOR_NAME: Final = "runai-nim-operator"
"""`app.kubernetes.io/name` of the operator's Deployment, and the name of its container."""
NIM_OPERATOR_NAME: Final = "nim-operator"
"""Part of the name of the NIM Operator's Deployment."""
_SCHEDULER: Final = re.compile("(runai|kai)[^/]*/.*scheduler.*")
"""`<namespace>/<name>` of the Deployments of a scheduler."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Objects of one kind, or why they can't be read."""

    objects: tuple[ObjectView, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """What was read of a cluster.

    `version`: such as `v1.34.4`. `served`: `<group>/<version>` of everything that is served. `own_schemas`: the
    OpenAPI schemas of our own kinds, by kind. `listings`: by resource; of Deployments only the operators and
    schedulers, of namespaces only the metadata. `denied`: what the operator's ServiceAccount `account` may not do; None
    if that can't be read.
    """

    version: str = ""
    served: frozenset[str] = frozenset()
    own_schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    nimservice: NIMServiceSchema | None = None
    listings: Mapping[Resource, Listing] = field(default_factory=dict)
    account: str = ""
    denied: tuple[Access, ...] | None = None

    def listing(self, resource: Resource) -> Listing:
        """The objects of a kind; empty if it was not read."""
        return self.listings.get(resource, Listing())


async def read_facts(cluster: KubeClient, namespaces: tuple[str, ...]) -> ClusterFacts:
    """Read the cluster. `namespaces`: those that the operator serves; empty: all.

    Raises ApiError if the API server doesn't answer, or refuses its discovery.
    """
    version = await cluster.get_document("/version")
    index = mapping((await cluster.get_document("/openapi/v3")).get("paths"))
    listings = {
        RUNAI_NIM_SERVICES: await read_listing(cluster, RUNAI_NIM_SERVICES),
        RUNAI_NIM_POLICIES: await read_listing(cluster, RUNAI_NIM_POLICIES),
        CLUSTER_RUNAI_NIM_POLICIES: await read_listing(cluster, CLUSTER_RUNAI_NIM_POLICIES),
        DEPLOYMENTS: await read_listing(cluster, DEPLOYMENTS, is_wanted=_runs_a_controller),
        NAMESPACES: await read_listing(cluster, NAMESPACES, metadata_only=True),
        **{
            kind: await read_listing(cluster, kind)
            for kind in (NODES, PRIORITY_CLASSES, STORAGE_CLASSES, INGRESS_CLASSES)
        },
    }
    account = _account(listings[DEPLOYMENTS].objects)
    nimservice = schema_of(await _document(cluster, index, well_known.NIM_API_VERSION))
    own = await _document(cluster, index, RUNAI_NIM_SERVICES.api_version)
    return ClusterFacts(
        version=word(version.get("gitVersion")),
        served=frozenset(path.removeprefix("apis/") for path in index),
        own_schemas={kind.name: schema for kind in KINDS if (schema := schema_of(own, kind.resource)) is not None},
        nimservice=None if nimservice is None else NIMServiceSchema.of_schema(nimservice),
        listings=listings,
        account=account,
        denied=await _denied(cluster, account, namespaces) if account else None,
    )


async def _document(cluster: KubeClient, index: ObjectView, api_version: str) -> KubeObject:
    address = word(mapping(index.get(f"apis/{api_version}")).get("serverRelativeURL"))
    return await cluster.get_document(address) if address else {}


async def read_listing(
    cluster: KubeClient,
    resource: Resource,
    *,
    selector: str = "",
    namespace: str = "",
    is_wanted: Callable[[ObjectView], bool] = lambda obj: True,
    metadata_only: bool = False,
) -> Listing:
    """The objects of a kind that `is_wanted`, or why they can't be read; none of a kind that isn't served."""
    objects: list[ObjectView] = []
    try:
        async for page in cluster.pages(resource, selector, namespace, metadata_only=metadata_only):
            objects += filter(is_wanted, page.pop("items"))
    except ApiError as error:
        return Listing(error="" if error.status == 404 else error.message)
    return Listing(tuple(objects))


def identity(obj: ObjectView) -> str:
    """`<namespace>/<name>`; the name alone without a namespace."""
    metadata = mapping(obj.get("metadata"))
    return "/".join(part for part in (word(metadata.get("namespace")), word(metadata.get("name"))) if part)


def is_operator(deployment: ObjectView) -> bool:
    """Whether it is the Deployment of this project's operator."""
    labels = mapping(mapping(deployment.get("metadata")).get("labels"))
    return labels.get("app.kubernetes.io/name") == OPERATOR_NAME


def is_nim_operator(deployment: ObjectView) -> bool:
    """Whether it is the Deployment of NVIDIA's NIM Operator."""
    return not is_operator(deployment) and NIM_OPERATOR_NAME in identity(deployment).rpartition("/")[2]


def is_scheduler(deployment: ObjectView) -> bool:
    """Whether it is a Deployment of Run:ai's or KAI's scheduler."""
    return bool(_SCHEDULER.fullmatch(identity(deployment)))


def _runs_a_controller(deployment: ObjectView) -> bool:
    return is_operator(deployment) or is_nim_operator(deployment) or is_scheduler(deployment)


def _account(deployments: Iterable[ObjectView]) -> str:
    """The user name of the operator's ServiceAccount; empty without a Deployment."""
    for deployment in filter(is_operator, deployments):
        pod = mapping(mapping(mapping(deployment.get("spec")).get("template")).get("spec"))
        namespace = word(mapping(deployment.get("metadata")).get("namespace"))
        return f"system:serviceaccount:{namespace}:{word(pod.get('serviceAccountName'), 'default')}"
    return ""


async def _denied(cluster: KubeClient, account: str, namespaces: tuple[str, ...]) -> tuple[Access, ...] | None:
    """What the operator's ServiceAccount may not do; None if the caller may not ask for others."""
    lease_namespace = account.split(":")[2]
    needed = required_access(namespaces, lease_namespace)
    try:
        denied = [access for access in needed if not await is_allowed(cluster, access, account=account)]
    except ApiError as error:
        if error.status != 403:
            raise
        return None
    return tuple(denied)
