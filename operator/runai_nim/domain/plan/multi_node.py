"""Immutable fields of a multi-node NIMService.

The NIM Operator accepts changes of these fields and breaks: it writes its MPI host file once, so a replica that is
added later has none.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, number, word
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding

_NUMBER: Final = re.compile("[0-9]{1,9}")
_REMEDY: Final = "restore it, or create a RunaiNimService with another name"


def check_multi_node(manifest: Mapping[str, Any], live: Mapping[str, Any] | None) -> Finding | None:
    """Whether multiNode, workers and GPUs are unchanged, and replicas don't exceed the initial number."""
    if live is None:
        return None
    requested = _parallelism(manifest)
    there = _parallelism(live)
    if (requested is None) != (there is None):
        return _immutable("spec.multiNode", None, "not be added or removed after the NIMService was created")
    if requested is None or there is None:
        return None
    if finding := _check_launcher(manifest, live) or _check_parallelism(requested, there):
        return finding
    most = multi_node_replicas_of(manifest, live)
    replicas = manifest["spec"]["replicas"]
    if replicas > most:
        rule = f"be at most {most} with multiNode, as when the NIMService was created"
        return _immutable("spec.replicas", replicas, rule)
    return None


def _check_launcher(manifest: Mapping[str, Any], live: Mapping[str, Any]) -> Finding | None:
    """Whether no struct of a launcher has to go, which server-side apply can't remove.

    A NIMService that names no launcher starts by MPI, and Ray can be added: so does a new image of NIM 2.0.
    """
    requested = _multi_node(manifest)
    there = _multi_node(live)
    launcher, other = ("ray", "mpi") if "ray" in there else ("mpi", "ray")
    if launcher not in there or ("ray" in requested) == ("ray" in there):
        return None
    rule = f"be {launcher}, as when the NIMService was created (without it the version in spec.image decides)"
    return _immutable("spec.multiNode.launcher", other, rule)


def _check_parallelism(requested: Mapping[str, Any], there: Mapping[str, Any]) -> Finding | None:
    if 1 in (requested.get("pipeline"), there.get("pipeline")) and requested != there:
        rule = f"be {there.get('tensor')}, as when the NIMService was created"
        return _immutable("spec.multiNode.tensorParallelism", requested.get("tensor"), rule)
    if requested.get("pipeline") != there.get("pipeline"):
        workers = number(there.get("pipeline"), 1) - 1
        rule = f"be {workers}, as when the NIMService was created"
        return _immutable("spec.multiNode.workers", requested.get("pipeline", 1) - 1, rule)
    if requested.get("tensor") != there.get("tensor"):
        rule = f"be {there.get('tensor')} with multiNode, as when the NIMService was created"
        return _immutable("spec.compute.gpuDevicesRequest", requested.get("tensor"), rule)
    return None


def _immutable(path: str, value: object, must: str) -> Finding:
    text = None if value is None else str(value)
    return Finding(reason=Reason.MULTI_NODE_IMMUTABLE, path=path, value=text, must=must, remedy=_REMEDY)


def multi_node_replicas_of(manifest: Mapping[str, Any], live: Mapping[str, Any] | None) -> int:
    """The initial number of replicas of a multi-node NIMService; its current number if not recorded."""
    recorded_replicas = word(
        mapping(mapping((live or {}).get("metadata")).get("annotations")).get(well_known.MULTI_NODE_REPLICAS)
    )
    if _NUMBER.fullmatch(recorded_replicas):
        return int(recorded_replicas)
    return number(mapping((live or manifest).get("spec")).get("replicas"), 1)


def with_multi_node_replicas(manifest: dict[str, Any], live: Mapping[str, Any] | None) -> dict[str, Any]:
    """`manifest` with an annotation for the initial number of replicas, which stop and start preserve."""
    if _parallelism(manifest) is None:
        return manifest
    metadata = manifest["metadata"]
    recorded_replicas = metadata["annotations"] | {
        well_known.MULTI_NODE_REPLICAS: str(multi_node_replicas_of(manifest, live))
    }
    return {**manifest, "metadata": {**metadata, "annotations": recorded_replicas}}


def _multi_node(nimservice: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(nimservice.get("spec")).get("multiNode"))


def _parallelism(nimservice: Mapping[str, Any]) -> Mapping[str, Any] | None:
    multi_node = mapping(nimservice.get("spec")).get("multiNode")
    return None if multi_node is None else mapping(mapping(multi_node).get("parallelism"))
