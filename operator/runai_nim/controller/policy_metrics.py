"""Metrics of policies: how many there are, and how many RunaiNimServices break them."""

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from runai_nim.api.resources import ObjectKey
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.policy import Scope

MAX_SERIES: Final = 1000
"""Maximum number of pairs of namespace and project with a RunaiNimService that breaks a rule."""


class PolicyMetrics:
    """Gauges that `report` sets."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Number of policies by scope, and whether they are in force as they are written"
        self._policies = Gauge("runai_nim_policies", about, ("scope", "valid"), registry=registry)
        about = "RunaiNimServices that break a rule of a policy, whether they run or are refused"
        self._violating = Gauge("runai_nim_resources_violating", about, ("namespace", "project"), registry=registry)
        self.report((), (), ())

    def report(
        self,
        policies: Iterable[StoredPolicy],
        rejected: Collection[ObjectKey],
        violations: Iterable[tuple[ObjectKey, str, Collection[ObjectKey]]],
    ) -> None:
        """Count policies, those that are rejected, and the RunaiNimServices that break rules, with their project."""
        counts = Counter((str(stored.scope), str(stored.key not in rejected).lower()) for stored in policies)
        for scope in Scope:
            for valid in ("true", "false"):
                self._policies.labels(str(scope), valid).set(counts[str(scope), valid])
        broken = Counter((key[0], project) for key, project, _ in violations)
        self._violating.clear()
        for labels, count in islice(broken.items(), MAX_SERIES):
            self._violating.labels(*labels).set(count)
