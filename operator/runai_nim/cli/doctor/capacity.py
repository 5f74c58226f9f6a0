"""Checks of what NIMs need of a cluster: projects, priorities, GPUs, storage and a way in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.count_text import count_text
from runai_nim.api.resources import NAMESPACES, PRIORITY_CLASSES, ObjectView
from runai_nim.api.untrusted_values import mapping, word
from runai_nim.cli.doctor.check import Check, Level, listed, unreadable
from runai_nim.cli.doctor.facts import (
    INGRESS_CLASSES,
    NODES,
    STORAGE_CLASSES,
    ClusterFacts,
    identity,
)
from runai_nim.config.settings import Settings

_DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"


def check_projects(facts: ClusterFacts, settings: Settings) -> Iterator[Check]:
    """At least one namespace belongs to a project."""
    subject = "projects"
    listing = facts.listing(NAMESPACES)
    labels = " or ".join(settings.project_labels)
    if listing.error:
        yield unreadable(subject, "namespaces", listing.error)
        return
    found = [identity(one) for one in listing.objects if not set(settings.project_labels).isdisjoint(_labels(one))]
    if found:
        yield Check(Level.OK, subject, f"{count_text(len(found), 'namespace')}: {listed(found)}")
    else:
        remedy = "make a project in Run:ai" if settings.dialect == "runai" else f"label a namespace with {labels}"
        yield Check(Level.WARNING, subject, f"no namespace has the label {labels}", remedy)


def check_priority_classes(facts: ClusterFacts, settings: Settings) -> Iterator[Check]:
    """The PriorityClasses of the setting `priority_classes` exist."""
    subject = "PriorityClasses"
    listing = facts.listing(PRIORITY_CLASSES)
    if listing.error:
        yield unreadable(subject, "they", listing.error)
        return
    there = {identity(one) for one in listing.objects}
    wanted = sorted(set(settings.priority_classes.values()))
    if missing := [name for name in wanted if name not in there]:
        message = f"the cluster lacks {listed(missing)}: workloads of these priorities get the scheduler's default"
        yield Check(Level.WARNING, subject, message, "install Run:ai; with kai, the chart makes them (priorityClasses)")
    else:
        yield Check(Level.OK, subject, f"all {len(wanted)} of the setting priority_classes")


def check_gpus(facts: ClusterFacts, settings: Settings) -> Iterator[Check]:
    """Nodes offer GPUs, also those that the setting `node_selector` selects; which node pools they are in."""
    listing = facts.listing(NODES)
    if listing.error:
        yield unreadable("GPUs", "nodes", listing.error)
        return
    gpus = {identity(node): _gpus_of(node) for node in listing.objects}
    with_gpus = [node for node in listing.objects if gpus[identity(node)]]
    total = sum(gpus.values())
    if not total:
        message = f"no node offers {well_known.NVIDIA_GPU} ({count_text(len(gpus), 'node')})"
        yield Check(Level.PROBLEM, "GPUs", message, "install the NVIDIA GPU Operator, or its device plugin")
        return
    yield Check(Level.OK, "GPUs", f"{total} on {len(with_gpus)} of {count_text(len(gpus), 'node')}")
    wanted = settings.node_selector.items()
    if wanted and not any(wanted <= _labels(node).items() for node in with_gpus):
        message = "no node with GPUs has the labels of the setting node_selector"
        yield Check(Level.PROBLEM, "GPUs", message, "correct the setting, or label the nodes")
    pools = sorted({word(_labels(node).get(settings.node_pool_label)) for node in with_gpus} - {""})
    if pools:
        yield Check(Level.OK, "node pools", f"{listed(pools)}, by the label {settings.node_pool_label}")


def _gpus_of(node: ObjectView) -> int:
    text = word(mapping(mapping(node.get("status")).get("allocatable")).get(well_known.NVIDIA_GPU))
    return int(text) if re.fullmatch("[0-9]{1,6}", text) else 0


def check_storage(facts: ClusterFacts) -> Iterator[Check]:
    """A new claim gets a volume without naming a StorageClass, and can grow."""
    subject = "StorageClasses"
    listing = facts.listing(STORAGE_CLASSES)
    if listing.error:
        yield unreadable(subject, "they", listing.error)
        return
    if not listing.objects:
        message = "there is none: a new claim of a model store stays Pending"
        yield Check(Level.WARNING, subject, message, "install a storage provisioner, or use existing claims")
        return
    default = [identity(one) for one in listing.objects if _annotations(one).get(_DEFAULT_CLASS) == "true"]
    fixed = sorted(identity(one) for one in listing.objects if not one.get("allowVolumeExpansion"))
    if not default:
        message = "none is the default: a claim without modelStore.pvc.claimInfo.storageClass stays Pending"
        yield Check(
            Level.WARNING, subject, message, f"annotate one with {_DEFAULT_CLASS}=true, or name one in each spec"
        )
    if fixed:
        message = f"claims of {listed(fixed)} can't grow"
        yield Check(Level.WARNING, subject, message, "set allowVolumeExpansion if the provisioner supports it")
    if default and not fixed:
        yield Check(Level.OK, subject, f"{listed(sorted(map(identity, listing.objects)))}; default {default[0]}")


def check_external_access(facts: ClusterFacts, settings: Settings) -> Iterator[Check]:
    """What the setting `external_mode` needs is installed."""
    subject = "setting external_mode"
    if settings.external_mode == "none":
        yield Check(Level.OK, subject, "none: exposedUrl is rejected")
    elif settings.external_mode == "gateway":
        served = well_known.GATEWAY_API_VERSION in facts.served
        message = f"gateway, and the cluster has {'' if served else 'no '}{well_known.GATEWAY_API_VERSION}"
        yield Check(
            Level.OK if served else Level.PROBLEM, subject, message, "" if served else "install the Gateway API"
        )
    else:
        yield from _check_ingress_class(facts, settings)


def _check_ingress_class(facts: ClusterFacts, settings: Settings) -> Iterator[Check]:
    subject = "setting external_ingress_class"
    listing = facts.listing(INGRESS_CLASSES)
    wanted = settings.external_ingress_class
    there = sorted(map(identity, listing.objects))
    if listing.error:
        yield unreadable(subject, "IngressClasses", listing.error)
    elif wanted in there:
        yield Check(Level.OK, subject, f"{wanted} exists")
    else:
        message = f"it is {wanted}, and the cluster has {listed(there) or 'no IngressClass'}"
        yield Check(Level.PROBLEM, subject, message, "correct the setting, or install the ingress controller")


def _labels(obj: ObjectView) -> Mapping[str, Any]:
    return mapping(mapping(obj.get("metadata")).get("labels"))


def _annotations(obj: ObjectView) -> Mapping[str, Any]:
    return mapping(mapping(obj.get("metadata")).get("annotations"))
