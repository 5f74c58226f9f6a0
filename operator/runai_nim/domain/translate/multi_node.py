"""spec.multiNode → NIMService. Expects a valid spec."""

from runai_nim.domain.translate.compute import whole_gpus
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource


def _multi_node_fragment(source: TranslationSource) -> Fragment:
    multi_node = source.spec.multi_node
    if multi_node is None:
        return {}
    parallelism = {"pipeline": (multi_node.workers or 0) + 1, "tensor": whole_gpus(source.compute)}
    return {"spec": {"multiNode": {"backendType": "lws", "parallelism": parallelism}}}


ROWS = (
    MappingRow(
        "spec.multiNode.workers",
        "`spec.multiNode`: a LeaderWorkerSet of workers + 1 pods (`parallelism.pipeline`) with the GPUs of each pod as"
        " `parallelism.tensor`",
        _multi_node_fragment,
    ),
)
