"""spec.multiNode → NIMService. Expects a valid spec."""

from typing import Final

from runai_nim.domain.translate.compute import whole_gpus
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, no_output
from runai_nim.domain.validate.launcher import launcher_of

_RAY_PORT: Final = 6379
"""The kind's default. An empty struct would vanish when the NIM Operator rewrites the spec."""


def _multi_node_fragment(source: TranslationSource) -> Fragment:
    multi_node = source.spec.multi_node
    if multi_node is None:
        return {}
    gpus = whole_gpus(source.compute)
    tensor = multi_node.tensor_parallelism or gpus
    parallelism = {"pipeline": (multi_node.workers or 0) + 1 if tensor == gpus else 1, "tensor": tensor}
    return {"spec": {"multiNode": {"backendType": "lws", "parallelism": parallelism}}}


def _ray_fragment(source: TranslationSource) -> Fragment:
    if source.spec.multi_node is None or launcher_of(source.spec, source.context) != "ray":
        return {}
    return {"spec": {"multiNode": {"ray": {"rayPort": _RAY_PORT}}}}


def _mpi_fragment(source: TranslationSource) -> Fragment:
    seconds = source.spec.multi_node and source.spec.multi_node.start_timeout_seconds
    return {"spec": {"multiNode": {"mpi": {"mpiStartTimeout": seconds}}}} if seconds else {}


ROWS = (
    MappingRow(
        "spec.multiNode.workers",
        "`spec.multiNode`: a LeaderWorkerSet of workers + 1 pods (`parallelism.pipeline`) with the GPUs of each pod as"
        " `parallelism.tensor`",
        _multi_node_fragment,
    ),
    MappingRow(
        "spec.multiNode.launcher",
        "`ray`: `spec.multiNode.ray`; `mpi`: nothing, the NIM Operator's default. Without it the setting"
        " `multi_node_launcher` decides, then the image's tag: `ray` from major version 2 on, if the NIM Operator has"
        " it",
        _ray_fragment,
        "Images of NIM 2.0 and newer lack the script that starts MPI.",
    ),
    MappingRow("spec.multiNode.startTimeoutSeconds", "`spec.multiNode.mpi.mpiStartTimeout`", _mpi_fragment),
    MappingRow(
        "spec.multiNode.tensorParallelism",
        "`spec.multiNode.parallelism.tensor`; with the GPUs of all pods `parallelism.pipeline` is 1",
        no_output,
    ),
)
