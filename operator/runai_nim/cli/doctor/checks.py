"""All checks of `runai-nim doctor`. Pure: no I/O, no clock."""

from collections.abc import Iterator
from datetime import datetime

from runai_nim.cli.doctor import capacity, components, policies
from runai_nim.cli.doctor.check import Check
from runai_nim.cli.doctor.facts import ClusterFacts
from runai_nim.config.settings import Settings


def check_cluster(facts: ClusterFacts, settings: Settings, now: datetime) -> Iterator[Check]:
    """All conclusions, in the order in which one would mend things. `now` has a time zone."""
    yield from components.check_kubernetes(facts)
    yield from components.check_own_kinds(facts)
    yield from components.check_nimservice_kind(facts)
    yield from components.check_deployments(facts)
    yield from components.check_permissions(facts)
    yield from components.check_statuses(facts, now)
    yield from policies.check_policies(facts, settings, now)
    yield from components.check_dialect(facts, settings)
    yield from capacity.check_projects(facts, settings)
    yield from capacity.check_priority_classes(facts, settings)
    yield from capacity.check_gpus(facts, settings)
    yield from capacity.check_storage(facts)
    yield from capacity.check_external_access(facts, settings)
