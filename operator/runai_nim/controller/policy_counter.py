"""Counts RunaiNimServices for the statuses of policies: those that a policy is for, and those that break it."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from runai_nim.api.resources import ObjectKey
from runai_nim.controller.cache import ClusterCache
from runai_nim.domain.status.policy_status import PolicyCounts

EVALUATION_SECONDS: Final = 60.0
"""How long the count of a policy waits for a RunaiNimService that is not evaluated yet, such as after a start."""


class PolicyCounter:
    """Counts by the versions that are in force, and remembers since when a RunaiNimService has not been evaluated."""

    def __init__(self, cache: ClusterCache, evaluation_seconds: float = EVALUATION_SECONDS) -> None:
        self._cache = cache
        self._evaluation_seconds = evaluation_seconds
        self._missing_since: dict[ObjectKey, float] = {}
        """Times of the monotonic clock."""

    @property
    def seconds_left(self) -> float | None:
        """Seconds until a count waits for one RunaiNimService less; None if none waits."""
        ends = [since + self._evaluation_seconds for since in self._missing_since.values()]
        now = time.monotonic()
        return min((end - now for end in ends if end > now), default=None)

    def count(self, labels: Mapping[str, Mapping[str, str]]) -> dict[ObjectKey, PolicyCounts]:
        """The counts of each policy. `labels`: those of each namespace."""
        policies = self._cache.policies
        resources = tuple(self._cache.resources)
        now = time.monotonic()
        missing = [key for key in resources if not policies.has_noted(key)]
        self._missing_since = {key: self._missing_since.get(key, now) for key in missing}
        overdue = {key for key, since in self._missing_since.items() if since + self._evaluation_seconds <= now}
        matched = self._by_policy(resources, labels)
        unevaluated = self._by_policy(missing, labels)
        left_out = self._by_policy(overdue, labels)
        violating = Counter(key for _, _, broken in policies.violations() for key in broken)
        return {
            stored.key: PolicyCounts(
                matched=matched[stored.key],
                violating=violating[stored.key] if unevaluated[stored.key] == left_out[stored.key] else None,
                unevaluated=left_out[stored.key],
            )
            for stored in policies.versions.stored
        }

    def _by_policy(self, resources: Iterable[ObjectKey], labels: Mapping[str, Mapping[str, str]]) -> Counter[ObjectKey]:
        """The number of these RunaiNimServices that each policy is for."""
        found: Counter[ObjectKey] = Counter()
        for namespace, number in Counter(key[0] for key in resources).items():
            compiled = self._cache.policies.of_namespace(namespace, labels.get(namespace))
            for policy in compiled.policies if compiled else ():
                found[policy.key] += number
        return found
