"""Checks of the API server, the kinds, the operators and the scheduler, from what was read of a cluster."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.crd import make_schema
from runai_nim.api.kinds import KINDS, RUNAI_NIM_SERVICE, ApiKind
from runai_nim.api.resources import DEPLOYMENTS, RUNAI_NIM_SERVICES, ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, number, word
from runai_nim.cli.doctor.check import ASK, Check, Level, listed, unreadable
from runai_nim.cli.doctor.facts import (
    ClusterFacts,
    identity,
    is_nim_operator,
    is_operator,
    is_scheduler,
)
from runai_nim.config.settings import Settings
from runai_nim.domain.nimservice_schema import INTRODUCED_IN
from runai_nim.domain.reasons import Reason

OLDEST_KUBERNETES: Final = (1, 30)
_PATIENCE: Final = timedelta(minutes=1)
"""Time that the operator may take for a first status."""


def check_kubernetes(facts: ClusterFacts) -> Iterator[Check]:
    """The version is one that the operator supports."""
    found = re.match(r"v?(\d{1,3})\.(\d{1,3})", facts.version)
    oldest = ".".join(map(str, OLDEST_KUBERNETES))
    if found is None:
        text = f'the API server names its version "{facts.version}", which is none'
        yield Check(Level.WARNING, "Kubernetes", text, f"make sure that it is {oldest} or newer")
    elif (int(found[1]), int(found[2])) < OLDEST_KUBERNETES:
        yield Check(Level.PROBLEM, "Kubernetes", f"{facts.version} is older than {oldest}", "upgrade the cluster")
    else:
        yield Check(Level.OK, "Kubernetes", facts.version)


def check_own_kinds(facts: ClusterFacts) -> Iterator[Check]:
    """Our own kinds are installed, with the fields that this command knows. Without policies the operator serves."""
    for kind in KINDS:
        yield _check_own_kind(kind, facts.own_schemas.get(kind.name))


def _check_own_kind(kind: ApiKind, schema: Mapping[str, Any] | None) -> Check:
    subject = kind.name
    if schema is None:
        level = Level.PROBLEM if kind is RUNAI_NIM_SERVICE else Level.WARNING
        return Check(level, subject, "the cluster has no such kind", "install the chart, or apply crds/")
    wanted = _fields_of(kind.name)
    found = set(field_paths(schema))
    if lacking := sorted(wanted - found):
        message = f"the CRD is older than this command: it lacks {listed(lacking)}"
        return Check(Level.WARNING, subject, message, "kubectl apply --server-side -f crds/ of the operator's version")
    if extra := sorted(found - wanted):
        message = f"the CRD is newer than this command, which doesn't know {listed(extra)}"
        return Check(Level.WARNING, subject, message, "install runai-nim of the operator's version")
    return Check(Level.OK, subject, f"{well_known.GROUP}/{well_known.VERSION}, with all fields of this command")


@cache
def _fields_of(name: str) -> frozenset[str]:
    """The fields of a kind; its schema takes half a second to make."""
    return frozenset(path for kind in KINDS if kind.name == name for path in field_paths(make_schema(kind)))


def field_paths(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The fields below spec and status of an object's schema: `spec.image`, `spec.labels[].name`."""
    for name, part in mapping(schema.get("properties")).items():
        below = f"{path}.{name}" if path else name
        if path or name in ("spec", "status"):
            yield below
            yield from field_paths(mapping(part), below)
    if "items" in schema:
        yield from field_paths(mapping(schema["items"]), f"{path}[]")


def check_nimservice_kind(facts: ClusterFacts) -> Iterator[Check]:
    """NIMService is installed, with the fields that the operator writes."""
    subject = well_known.NIMSERVICE_KIND
    kind = facts.nimservice
    if kind is None:
        yield Check(Level.PROBLEM, subject, "the cluster has no such kind", "install the NVIDIA NIM Operator")
        return
    lacking = [".".join(path) for path in INTRODUCED_IN if not kind.has_field(path)]
    if lacking:
        message = f"the installed kind lacks {listed(lacking)}: specs that need them are rejected"
        yield Check(Level.WARNING, subject, message, "upgrade the NIM Operator if you need them")
    else:
        yield Check(Level.OK, subject, "it has all fields that the operator writes")


def check_deployments(facts: ClusterFacts) -> Iterator[Check]:
    """The operators and a scheduler are installed and available."""
    listing = facts.listing(DEPLOYMENTS)
    wanted = (
        ("operator", is_operator, "install the chart (it may also run elsewhere, as in make local-up)"),
        ("NIM Operator", is_nim_operator, "install it (it may also run under another name)"),
        ("scheduler", is_scheduler, "install Run:ai or KAI (it may also run under another name)"),
    )
    if listing.error:
        yield unreadable("Deployments", "they", listing.error)
        return
    for subject, is_wanted, remedy in wanted:
        found = list(filter(is_wanted, listing.objects))
        if not found:
            yield Check(Level.WARNING, subject, "no Deployment of it was found", remedy)
        for deployment in found:
            yield _check_deployment(subject, deployment)


def _check_deployment(subject: str, deployment: ObjectView) -> Check:
    spec = mapping(deployment.get("spec"))
    available = number(mapping(deployment.get("status")).get("availableReplicas"))
    wanted = number(spec.get("replicas"), 1)
    containers = mappings(mapping(mapping(spec.get("template")).get("spec")).get("containers"))
    image = word(next(iter(containers), {}).get("image")).rpartition("/")[2]
    text = f"Deployment {identity(deployment)} ({image}): {available} of {wanted} replicas are available"
    if wanted and available:
        return Check(Level.OK, subject, text)
    namespace, _, name = identity(deployment).partition("/")
    return Check(Level.PROBLEM, subject, text, f"kubectl --namespace {namespace} describe deployment {name}")


def check_permissions(facts: ClusterFacts) -> Iterator[Check]:
    """The operator's ServiceAccount may do what the operator needs."""
    if not facts.account:
        return
    subject = "permissions"
    if facts.denied is None:
        yield Check(Level.WARNING, subject, f"you may not ask what {facts.account} may do", ASK)
        return
    for access in facts.denied:
        level = Level.WARNING if access.optional else Level.PROBLEM
        yield Check(level, subject, f"{facts.account} may not {access}", "upgrade the chart, or apply deploy/rbac.yaml")
    if not facts.denied:
        yield Check(Level.OK, subject, f"{facts.account} may do all that it needs")


def check_statuses(facts: ClusterFacts, now: datetime) -> Iterator[Check]:
    """The operator answers, and what the statuses say about the cluster itself."""
    subject = "RunaiNimServices"
    listing = facts.listing(RUNAI_NIM_SERVICES)
    if listing.error:
        yield unreadable(subject, "they", listing.error)
        return
    if unseen := [identity(obj) for obj in listing.objects if not is_observed(obj, now)]:
        message = f"the operator has not seen the spec of {listed(unseen)}"
        yield Check(Level.PROBLEM, subject, message, "look whether it runs, at its log and its setting namespaces")
    reasons: dict[str, list[str]] = {}
    for obj in listing.objects:
        reasons.setdefault(_ready_reason(obj), []).append(identity(obj))
    for reason, remedy in _REASONS_OF_THE_CLUSTER.items():
        if services := reasons.get(reason):
            yield Check(Level.PROBLEM, subject, f"{reason}: {listed(services)}", remedy)
    phases = Counter(word(mapping(obj.get("status")).get("phase")) or "without a phase" for obj in listing.objects)
    counts = ", ".join(f"{count} {phase}" for phase, count in sorted(phases.items()))
    yield Check(Level.OK, subject, f"{len(listing.objects)}{': ' if counts else ''}{counts}")


_REASONS_OF_THE_CLUSTER: Final = {
    Reason.NIM_OPERATOR_NOT_INSTALLED: "install the NVIDIA NIM Operator",
    Reason.NIM_OPERATOR_NOT_RESPONDING: "look at the NIM Operator's pods and log",
    Reason.SCHEDULER_NOT_RESPONDING: "look at the scheduler's pods and log, and at the setting dialect",
    Reason.QUEUE_NOT_FOUND: "make the queue, or correct the project's label of the namespace",
}
"""Reasons of Ready that are about the cluster, not about one resource."""


def is_observed(obj: ObjectView, now: datetime) -> bool:
    """Whether the status is of this spec, or the resource so new that this isn't due."""
    metadata = mapping(obj.get("metadata"))
    try:
        created = datetime.fromisoformat(word(metadata.get("creationTimestamp")))
        is_new = now - created < _PATIENCE
    except (ValueError, TypeError):
        is_new = False
    observed = number(mapping(obj.get("status")).get("observedGeneration"), -1)
    return is_new or observed >= number(metadata.get("generation"))


def _ready_reason(obj: ObjectView) -> str:
    conditions = mappings(mapping(obj.get("status")).get("conditions"))
    return next((word(one.get("reason")) for one in conditions if one.get("type") == "Ready"), "")


def check_dialect(facts: ClusterFacts, settings: Settings) -> Iterator[Check]:
    """The scheduler of the setting `dialect` is the one that the cluster has."""
    subject = "setting dialect"
    groups = {version.partition("/")[0] for version in facts.served}
    kai = "scheduling.run.ai" in groups
    runai = any(group.endswith("run.ai") and group not in _GROUPS_OF_KAI for group in groups)
    if settings.dialect == "kai" and not kai:
        yield Check(Level.PROBLEM, subject, "it is kai, and the cluster has no queues of KAI", "install KAI")
    elif settings.dialect == "runai" and kai and not runai:
        message = "it is runai, and the cluster has KAI's kinds and none of Run:ai"
        yield Check(Level.PROBLEM, subject, message, "set dialect to kai")
    elif settings.dialect == "runai" and not runai:
        yield Check(Level.WARNING, subject, "it is runai, and the cluster has no kind of Run:ai", "install Run:ai")
    else:
        yield Check(Level.OK, subject, f"{settings.dialect}, whose kinds the cluster has")


_GROUPS_OF_KAI: Final = frozenset({"scheduling.run.ai"})
