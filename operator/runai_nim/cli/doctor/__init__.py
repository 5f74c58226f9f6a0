"""`runai-nim doctor`: is this cluster ready for RunaiNimServices, and if not, what is to be done? It only reads."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from runai_nim import __version__
from runai_nim.api.resources import (
    AUTOSCALERS,
    CLAIMS,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    EVENTS,
    LEADER_WORKER_SETS,
    NIM_CACHES,
    NIM_SERVICES,
    PODS,
    RUNAI_NIM_SERVICES,
    SERVICES,
    ObjectView,
    Resource,
)
from runai_nim.api.untrusted_values import mapping, word
from runai_nim.api.well_known import SERVICE_LABEL
from runai_nim.cli import terminal
from runai_nim.cli.cluster.connection import ClusterOptions, run
from runai_nim.cli.diagnostic import EXIT_FINDINGS, EXIT_OK
from runai_nim.cli.diff import OutputFormat
from runai_nim.cli.doctor.bundle import accepted_policies, write_bundle
from runai_nim.cli.doctor.check import Check, Level
from runai_nim.cli.doctor.checks import check_cluster
from runai_nim.cli.doctor.facts import ClusterFacts, read_facts, read_listing
from runai_nim.config.settings import Settings
from runai_nim.kube.client import KubeClient

_OF_BUNDLE: Final[Mapping[Resource, str]] = {
    NIM_SERVICES: "",
    NIM_CACHES: "",
    DEPLOYMENTS: SERVICE_LABEL,
    LEADER_WORKER_SETS: SERVICE_LABEL,
    PODS: SERVICE_LABEL,
    SERVICES: SERVICE_LABEL,
    CLAIMS: SERVICE_LABEL,
    AUTOSCALERS: SERVICE_LABEL,
    CONTROLLER_REVISIONS: SERVICE_LABEL,
}
"""What a bundle holds beside what was checked, by label selector."""
_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}
_KINDS_OF_EVENTS: Final = frozenset({"RunaiNimService", "NIMService", "NIMCache", "Pod", "PersistentVolumeClaim"})


def doctor(settings: Settings, output: OutputFormat, options: ClusterOptions, *, bundle: str | None) -> int:
    """Write what was found, and the bundle if a file is named; return the exit code. Raises CommandError."""
    # What can't be read is said in its line.
    read = partial(_read, settings=settings, with_objects=bundle is not None)
    facts, objects = run(options, read, log_level="error", progress="reading the cluster")
    checks = list(check_cluster(facts, settings, datetime.now(UTC)))
    if output == "json":
        terminal.write_json({"checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            terminal.write_parts(parts_of(check))
    if bundle is not None:
        write_bundle(bundle, _documents(facts, checks, objects))
        terminal.write_styled(f"{bundle} is written, without values of variables; look through it before you send it")
    return EXIT_FINDINGS if any(check.level == Level.PROBLEM for check in checks) else EXIT_OK


def parts_of(check: Check) -> list[tuple[str, str]]:
    """The check as a line, in parts with a style each: the level; subject, what was found, and what to do."""
    remedy = f": {check.remedy}" if check.remedy else ""
    return [(f"{check.level:<8}", _STYLES[check.level]), (f" {check.subject}: {check.message}{remedy}", "")]


async def _read(
    cluster: KubeClient, *, settings: Settings, with_objects: bool
) -> tuple[ClusterFacts, Mapping[str, Any]]:
    facts = await read_facts(cluster, settings.namespaces)
    return facts, await _read_objects(cluster, facts) if with_objects else {}


async def _read_objects(cluster: KubeClient, facts: ClusterFacts) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for resource, selector in _OF_BUNDLE.items():
        listing = await read_listing(cluster, resource, selector=selector)
        is_revision = resource == CONTROLLER_REVISIONS
        objects = accepted_policies(listing.objects) if is_revision else listing.objects
        found[resource.plural] = objects if not listing.error else {"error": listing.error}
    namespaces = {
        word(mapping(obj.get("metadata")).get("namespace")) for obj in facts.listing(RUNAI_NIM_SERVICES).objects
    }
    events: list[ObjectView] = []
    for namespace in sorted(namespaces):
        listing = await read_listing(cluster, EVENTS, namespace=namespace)
        events += [one for one in listing.objects if mapping(one.get("involvedObject")).get("kind") in _KINDS_OF_EVENTS]
    found[EVENTS.plural] = events
    return found


def _documents(facts: ClusterFacts, checks: list[Check], objects: Mapping[str, Any]) -> dict[str, Any]:
    listings = {kind.plural: list(listing.objects) for kind, listing in facts.listings.items()}
    about = {"command": __version__, "kubernetes": facts.version, "served": sorted(facts.served)}
    controllers = listings.pop(DEPLOYMENTS.plural, [])
    return {
        "about": about,
        "checks": [asdict(check) for check in checks],
        "controllers": controllers,
        **listings,
        **objects,
    }
