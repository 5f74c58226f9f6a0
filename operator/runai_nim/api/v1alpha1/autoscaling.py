"""spec.autoscaling: bounds, metric and window."""

from typing import Annotated

from pydantic import Field, StrictInt, StrictStr

from runai_nim.api.v1alpha1.schema import PositiveInt, SpecModel


class Autoscaling(SpecModel):
    """Scales replicas between two bounds by a metric; becomes scale.hpa of the NIMService."""

    min_replicas: PositiveInt | None = None
    """Minimum number of replicas, at least 1; default 1. desiredPhase: Stopped stops the service."""

    max_replicas: PositiveInt | None = None
    """Maximum number of replicas, not below minReplicas; default minReplicas."""

    metric: Annotated[StrictStr, Field(max_length=253, pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")] | None = None
    """Metric to scale by; required. cpu and memory: average use in percent of the request; any other name: a metric
    of the pods, by its average per pod. A metric between 0 and 1 never exceeds metricThreshold."""

    metric_threshold: PositiveInt | None = None
    """Target value of the metric, at least 1; required. Percent for cpu and memory, otherwise the average per pod."""

    scale_window_seconds: Annotated[StrictInt, Field(ge=60, le=3600)] | None = None
    """Seconds that the metric must stay low before replicas are removed, 60-3600; default 300. Scaling up is
    immediate."""
