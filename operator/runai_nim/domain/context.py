"""Context of a decision: settings, namespace, children, and the cluster's NIMService schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runai_nim.api import well_known
from runai_nim.config.settings import Settings
from runai_nim.domain.nimservice_schema import NIMServiceSchema


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision depends on apart from the RunaiNimService itself.

    `namespace_labels`: None if unknown, as offline. `claim_exists`: whether a claim with the wanted name exists, so
    that none must be created; None if unknown. `claim_size`: its size as a Kubernetes quantity; empty if unknown.
    `claim_access_modes`: its access modes, such as `ReadWriteOnce`; empty if unknown.
    `nimservice_exists`: whether the operator's NIMService exists; a multi-node service can only be stopped after it was
    started. `priority_class_exists`: whether the PriorityClass behind the spec's priority exists; None if unknown, as
    offline, and without a priority. `older_with_url`: name of the oldest RunaiNimService of the namespace with the same
    exposedUrl; empty if this is it, and offline. `nimservice_schema`: by default a schema that lacks nothing.
    `max_findings`: maximum number of findings about types.
    """

    settings: Settings
    namespace_labels: Mapping[str, str] | None = None
    claim_exists: bool | None = False
    claim_size: str = ""
    claim_access_modes: tuple[str, ...] = ()
    nimservice_exists: bool = False
    priority_class_exists: bool | None = None
    older_with_url: str = ""
    nimservice_schema: NIMServiceSchema = field(default_factory=NIMServiceSchema)
    max_findings: int | None = None

    @property
    def project(self) -> str | None:
        """The namespace's Run:ai project, by the first of the configured labels that it has."""
        labels = self.namespace_labels or {}
        return next((labels[key] for key in self.settings.project_labels if labels.get(key)), None)

    @property
    def queue(self) -> str | None:
        """The KAI queue: the setting, else the namespace's own queue label, else its project."""
        settings = self.settings
        if settings.queue_label is None:
            return None
        return settings.queue or (self.namespace_labels or {}).get(settings.queue_label) or self.project

    def queue_of(self, node_pools: Sequence[str] | None) -> str | None:
        """The KAI queue of a workload in these pools: by the setting `queue_of_pool` if it names one pool.

        None where that setting needs the namespace's project and there is none.
        """
        template = self.settings.queue_of_pool
        pool = one_pool(node_pools)
        if template is None or pool is None:
            return self.queue
        if "{project}" in template and self.project is None:
            return None
        return template.replace("{project}", self.project or "").replace("{pool}", pool)


def one_pool(node_pools: Sequence[str] | None) -> str | None:
    """The only pool of the list, whose label nodes have; None for several, for none, and for pool `default`."""
    pools = node_pools or ()
    return pools[0] if len(pools) == 1 and pools[0] != well_known.DEFAULT_NODE_POOL else None
