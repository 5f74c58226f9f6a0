"""spec.multiNode: number of workers, and how they start."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from runai_nim.api.v1alpha1.schema import CelRule, Ours, PositiveInt, SpecModel, cel

Launcher = Literal["mpi", "ray"]


class MultiNode(SpecModel):
    """Spreads one model over several nodes."""

    model_config = cel(
        CelRule(
            "!has(self.startTimeoutSeconds) || !has(self.launcher) || self.launcher != 'ray'",
            "startTimeoutSeconds is not allowed with launcher ray: remove it",
            ".startTimeoutSeconds",
            reason="FieldValueForbidden",
        ),
    )

    workers: Annotated[StrictInt, Field(ge=1, le=1000)] | None = None
    """Worker pods in addition to the leader, 1-1000. Becomes multiNode.parallelism.pipeline = workers + 1 of the
    NIMService."""

    launcher: Annotated[Launcher | None, Ours()] = None
    """What connects leader and workers: mpi (images of NIM 1.x) or ray (NIM 2.0 and newer; needs NIM Operator 3.1.1).
    Default: the operator's setting, or by the major version in the image's tag; required if the tag has none. ray
    becomes multiNode.ray of the NIMService."""

    start_timeout_seconds: Annotated[Annotated[StrictInt, Field(ge=1, le=86400)] | None, Ours()] = None
    """Seconds for leader and workers to connect by MPI, 1-86400; default: the NIM Operator's, 300. Becomes
    multiNode.mpi.mpiStartTimeout."""

    tensor_parallelism: Annotated[PositiveInt | None, Ours()] = None
    """GPUs that share each layer of the model: those of one pod (default; the pods share the layers), or those of all
    pods (needs NIM Operator 3.1.1). Becomes multiNode.parallelism.tensor."""
