"""What a decision knows beside the resource: settings, its namespace and claim, the cluster's NIMService kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runai_nim.config.settings import Settings
from runai_nim.domain.nimservice_schema import NIMServiceSchema


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision may know beside the RunaiNimService itself.

    `namespace_labels`: None where they are not known, as offline.
    `claim_exists`: a claim of the wanted name is there already, so that none has to be made; None where that is not
    known, as offline. `claim_size`: its size, a Kubernetes quantity, empty where that is not known.
    `nimservice_exists`: our NIMService is there; only what was started can be stopped where multiNode is used.
    `nimservice_schema`: the cluster's NIMService kind, by default one that lacks nothing. `max_findings`: of types,
    after which nothing more is looked for.
    """

    settings: Settings
    namespace_labels: Mapping[str, str] | None = None
    claim_exists: bool | None = False
    claim_size: str = ""
    nimservice_exists: bool = False
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
