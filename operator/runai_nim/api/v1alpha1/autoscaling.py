"""spec.autoscaling: bounds, metric and window."""

from typing import Annotated, Final, Literal

from pydantic import Field, StrictInt, StrictStr

from runai_nim.api.v1alpha1.schema import CelRule, NonNegativeInt, Ours, PositiveInt, QuantityString, SpecModel, cel

RESOURCE_METRICS: Final = ("cpu", "memory")


class Autoscaling(SpecModel):
    """Scales replicas between two bounds by a metric; becomes scale.hpa of the NIMService."""

    model_config = cel(
        CelRule(
            "!has(self.metricThreshold) || !has(self.metricThresholdQuantity)",
            "metricThresholdQuantity is not allowed with metricThreshold: remove one of them",
            ".metricThresholdQuantity",
            reason="FieldValueForbidden",
        ),
        CelRule(
            "!has(self.minReplicas) || self.minReplicas > 0 || (has(self.metricType) && self.metricType != 'Pods')",
            "minReplicas must be at least 1 unless metricType is External or Object: raise it, or stop the NIM by"
            " desiredPhase: Stopped",
            ".minReplicas",
        ),
    )

    min_replicas: NonNegativeInt | None = None
    """Minimum number of replicas; default 1. 0 needs metricType External or Object, Kubernetes 1.37 and NIM Operator
    3.1.3. desiredPhase: Stopped stops the service."""

    max_replicas: PositiveInt | None = None
    """Maximum number of replicas, not below minReplicas; default minReplicas, at least 1."""

    metric: Annotated[StrictStr, Field(max_length=253, pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")] | None = None
    """Metric to scale by; required. cpu and memory: average use in percent of the request; any other name: a metric
    of the pods, by its average per pod. A metric between 0 and 1 never exceeds metricThreshold: use
    metricThresholdQuantity."""

    metric_type: Annotated[Literal["Pods", "Object", "External"] | None, Ours()] = None
    """Where the metric comes from. Pods: each pod; Object: the NIM's Service; External: outside of the cluster's
    objects. Object and External are divided by the number of pods. Default: the pods' use of cpu and memory for these
    two names, otherwise Pods."""

    metric_threshold: PositiveInt | None = None
    """Target value of the metric, at least 1; required without metricThresholdQuantity. Percent for cpu and memory,
    otherwise the average per pod."""

    metric_threshold_quantity: Annotated[QuantityString | None, Ours("give metricThreshold a whole number")] = None
    """Target value of the metric as a Kubernetes quantity of at least 1m, e.g. 500m for 0.5; in place of
    metricThreshold. Not for cpu and memory in percent."""

    scale_window_seconds: Annotated[StrictInt, Field(ge=60, le=3600)] | None = None
    """Seconds that the metric must stay low before replicas are removed, 60-3600; default 300. Scaling up is
    immediate."""

    @property
    def metric_source(self) -> Literal["Resource", "Pods", "Object", "External"]:
        """The type of the metric in a HorizontalPodAutoscaler."""
        if self.metric_type is not None:
            return self.metric_type
        return "Resource" if self.metric in RESOURCE_METRICS else "Pods"

    @property
    def fewest_replicas(self) -> int:
        """`minReplicas` with its default."""
        return 1 if self.min_replicas is None else self.min_replicas

    @property
    def most_replicas(self) -> int:
        """`maxReplicas` with its default."""
        return max(self.fewest_replicas, 1) if self.max_replicas is None else self.max_replicas
