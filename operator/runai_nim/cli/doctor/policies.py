"""Checks of policies, from what was read of a cluster."""

from collections.abc import Iterator
from datetime import datetime

from runai_nim.api.resources import CLUSTER_RUNAI_NIM_POLICIES, RUNAI_NIM_POLICIES, ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, number
from runai_nim.cli.doctor.check import Check, Level, listed, unreadable
from runai_nim.cli.doctor.components import is_observed
from runai_nim.cli.doctor.facts import ClusterFacts, identity
from runai_nim.config.settings import Settings


def check_policies(facts: ClusterFacts, settings: Settings, now: datetime) -> Iterator[Check]:
    """The operator has read every policy, and each is in force as it is written."""
    for resource in (RUNAI_NIM_POLICIES, CLUSTER_RUNAI_NIM_POLICIES):
        subject = f"{resource.kind.removesuffix('y')}ies"
        listing = facts.listing(resource)
        if listing.error:
            yield unreadable(subject, "they", listing.error)
            continue
        if settings.namespaces and not resource.namespaced and listing.objects:
            verb = "has" if len(listing.objects) == 1 else "have"
            message = f"{listed(map(identity, listing.objects))} {verb} no effect where namespaces are listed"
            yield Check(Level.WARNING, subject, message, "give each namespace a RunaiNimPolicy")
            continue
        yield from _check_statuses(subject, listing.objects, now)


def _check_statuses(subject: str, policies: tuple[ObjectView, ...], now: datetime) -> Iterator[Check]:
    if unseen := [identity(policy) for policy in policies if not is_observed(policy, now)]:
        message = f"the operator has not seen the spec of {listed(unseen)}"
        yield Check(Level.PROBLEM, subject, message, "look whether it runs, at its log and its setting namespaces")
    if invalid := [identity(policy) for policy in policies if _is_invalid(policy)]:
        message = f"not in force as they are written: {listed(invalid)}"
        yield Check(Level.WARNING, subject, message, "correct them as their condition Valid says")
    if partial := [identity(policy) for policy in policies if _number(policy, "unevaluated")]:
        message = f"violating leaves out RunaiNimServices that the operator could not evaluate: {listed(partial)}"
        yield Check(Level.WARNING, subject, message, "look at the operator's log, which names them with the error")
    violating = sum(bool(_number(policy, "violating")) for policy in policies)
    broken = f", {violating} broken by resources" if violating else ""
    yield Check(Level.OK, subject, f"{len(policies)}{broken}")


def _number(policy: ObjectView, field: str) -> int:
    return number(mapping(policy.get("status")).get(field))


def _is_invalid(policy: ObjectView) -> bool:
    conditions = mappings(mapping(policy.get("status")).get("conditions"))
    return any(one.get("type") == "Valid" and one.get("status") == "False" for one in conditions)
