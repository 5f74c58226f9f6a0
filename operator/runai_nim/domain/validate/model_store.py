"""Rules for spec.modelStore: exactly one store, and a claim that can be created."""

from collections.abc import Iterator, Sequence

from runai_nim.api import quantity, syntax, well_known
from runai_nim.api.v1alpha1 import AccessModes, ClaimInfo, Pvc, RunaiNimServiceSpec
from runai_nim.domain.finding import Finding, character_findings
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.list_items import duplicate_findings
from runai_nim.domain.validate.subject import ValidationSubject

_CLAIM_INFO = "spec.modelStore.pvc.claimInfo"
CLAIM_SIZE = f"{_CLAIM_INFO}.size"
_READ_ONLY = "spec.modelStore.pvc.readOnly"
_CLAIM_NAME = "spec.modelStore.pvc.claimName"


def check_one_store(candidate: ValidationSubject) -> Iterator[Finding]:
    """Exactly one of nimCache and pvc."""
    store = candidate.spec.model_store
    if store is None or (store.nim_cache is None and store.pvc is None):
        rule = "hold nimCache or pvc"
        remedy = "add one of them: it is where the model's weights are kept"
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec.modelStore", must=rule, remedy=remedy)
    elif store.nim_cache is not None and store.pvc is not None:
        rule = "hold either nimCache or pvc, not both"
        remedy = "remove one of them"
        yield Finding(reason=Reason.CONFLICTING_FIELDS, path="spec.modelStore", must=rule, remedy=remedy)


def check_nim_cache(candidate: ValidationSubject) -> Iterator[Finding]:
    """The NIMCache has a valid name; a profile may become an environment variable, which has to be rendered."""
    store = candidate.spec.model_store
    if store is None or store.nim_cache is None:
        return
    yield from character_findings("spec.modelStore.nimCache.profile", store.nim_cache.profile)
    name = store.nim_cache.name
    path = "spec.modelStore.nimCache.name"
    if name is None:
        yield Finding(
            reason=Reason.REQUIRED_FIELD,
            path=path,
            must="be set",
            remedy="name a NIMCache of this namespace",
        )
    elif not syntax.is_object_name(name):
        yield Finding(
            reason=Reason.INVALID_NAME, path=path, value=name, must="be the name of a NIMCache", remedy="correct it"
        )


def check_claim_name(candidate: ValidationSubject) -> Iterator[Finding]:
    """Required with existingPvc, and read as a string by YAML, since the NIM Operator writes it unquoted."""
    pvc = _pvc(candidate)
    if pvc is None:
        return
    name = pvc.claim_name
    path = "spec.modelStore.pvc.claimName"
    if name is None and pvc.existing_pvc:
        rule = "be set when existingPvc is true"
        remedy = "name the existing claim, or set existingPvc: false"
        yield Finding(reason=Reason.REQUIRED_FIELD, path=path, must=rule, remedy=remedy)
    if name is not None and not (syntax.is_object_name(name) and syntax.is_yaml_text(name)):
        rule = "be lower case letters, digits, - and ., and no word that YAML reads as true, false, null or a number"
        yield Finding(reason=Reason.INVALID_NAME, path=path, value=name, must=rule, remedy="choose another name")


def check_ignored_with_existing(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning for fields that have no effect with existingPvc."""
    pvc = _pvc(candidate)
    if pvc is None or not pvc.existing_pvc:
        return
    rule = "be absent when existingPvc is true (it has no effect)"
    remedy = "remove it, or set existingPvc: false"
    if pvc.claim_info is not None:
        yield Finding(reason=Reason.IGNORED_FIELD, path=_CLAIM_INFO, must=rule, remedy=remedy, severity="warning")
    if pvc.retention_policy == "Delete":
        path = "spec.modelStore.pvc.retentionPolicy"
        yield Finding(
            reason=Reason.IGNORED_FIELD,
            path=path,
            value=pvc.retention_policy,
            must=rule,
            remedy=remedy,
            severity="warning",
        )


def check_claim_size(candidate: ValidationSubject) -> Iterator[Finding]:
    """Required and above 0 for a claim to be created; a warning if it is unknown whether the claim exists."""
    info = _claim_info(candidate)
    path = CLAIM_SIZE
    if info is None:
        return
    if info.size is None:
        remedy = "give its size, such as 100Gi"
        if candidate.context.claim_exists is None:
            rule = "be set unless the claim exists"
            yield Finding(reason=Reason.REQUIRED_FIELD, path=path, must=rule, remedy=remedy, severity="warning")
        elif not candidate.context.claim_exists:
            yield Finding(
                reason=Reason.REQUIRED_FIELD,
                path=path,
                must="be set when the claim has to be made",
                remedy=remedy,
            )
        return
    size = quantity.bytes_or_none(info.size)
    if size is None or size.nanos == 0:
        suggestion = quantity.suggested_spelling(info.size)
        remedy = f"did you mean {suggestion}?" if suggestion else "give its size, such as 100Gi"
        yield Finding(
            reason=Reason.INVALID_QUANTITY,
            path=path,
            value=info.size,
            must=f"be {quantity.BYTES_RULE}, above 0",
            remedy=remedy,
        )


def check_read_only(candidate: ValidationSubject) -> Iterator[Finding]:
    """A claim that has to be created is empty, and a NIM can't fill it read-only; a warning if it may exist."""
    pvc = _pvc(candidate)
    exists = candidate.context.claim_exists
    if pvc is None or pvc.existing_pvc or exists:
        return
    if access_modes((pvc.claim_info or ClaimInfo()).access_modes) == ["ReadOnlyMany"]:
        rule = "have a mode to write with unless the claim exists, a new claim is empty"
        yield Finding(
            reason=Reason.CONFLICTING_FIELDS,
            path=f"{_CLAIM_INFO}.accessModes",
            must=rule,
            remedy="set readWriteMany: true, or name a claim that holds the model and set existingPvc: true",
            severity="warning",
        )
    if not pvc.read_only:
        return
    rule = "be false unless the claim exists, a new claim is empty and a NIM can't download its model to it"
    remedy = "remove it, or name a claim that holds the model and set existingPvc: true"
    yield Finding(
        reason=Reason.CONFLICTING_FIELDS,
        path=_READ_ONLY,
        value="true",
        must=rule,
        remedy=remedy,
        severity="warning" if exists is None else "error",
    )


def depends_on_claim(finding: Finding) -> bool:
    """Whether the finding depends on the existence of the claim."""
    return (finding.path, finding.reason) in (
        (CLAIM_SIZE, Reason.REQUIRED_FIELD),
        (_READ_ONLY, Reason.CONFLICTING_FIELDS),
    )


def check_claim_is_shareable(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: pods on several nodes can't mount a claim for one node, and wait with Multi-Attach errors."""
    pvc = _pvc(candidate)
    pods = _most_pods(candidate.spec)
    if pvc is None or pods < 2:
        return
    info = pvc.claim_info or ClaimInfo()
    observed = candidate.context.claim_access_modes
    modes = observed or (() if pvc.existing_pvc else access_modes(info.access_modes))
    if not modes or _is_shareable(modes, read_only=pvc.read_only is True):
        return
    consequence = f"for {pods} pods, a claim with {' and '.join(modes)} is mounted on one node only"
    if observed or pvc.existing_pvc:
        rule = f"name a claim with ReadWriteMany {consequence}"
        path = _CLAIM_NAME
        remedy = "name another claim, use a NIMCache with ReadWriteMany, or run one pod"
    else:
        rule = f"include readWriteMany {consequence}"
        path = f"{_CLAIM_INFO}.accessModes"
        remedy = "set accessModes.readWriteMany: true and accessModes.readWriteOnce: false, or run one pod"
    yield Finding(reason=Reason.CLAIM_NOT_SHAREABLE, path=path, must=rule, remedy=remedy, severity="warning")


def _is_shareable(modes: Sequence[str], *, read_only: bool) -> bool:
    if "ReadOnlyMany" in modes and (read_only or len(modes) == 1):
        return True
    return "ReadWriteMany" in modes


def _most_pods(spec: RunaiNimServiceSpec) -> int:
    """The largest number of pods at a time."""
    if spec.autoscaling is not None:
        return max(spec.autoscaling.fewest_replicas, spec.autoscaling.most_replicas)
    replicas = 1 if spec.replicas is None else spec.replicas
    workers = (spec.multi_node.workers or 0) if spec.multi_node is not None else 0
    return replicas * (1 + workers)


def check_volume(candidate: ValidationSubject) -> Iterator[Finding]:
    """volumeMode is one that a NIM can mount."""
    info = _claim_info(candidate)
    if info is None:
        return
    if info.volume_mode == "Block":
        rule = "be Filesystem, a NIM mounts its store as a file system"
        yield Finding(
            reason=Reason.INVALID_VALUE, path=f"{_CLAIM_INFO}.volumeMode", value="Block", must=rule, remedy="remove it"
        )
    if info.access_modes is not None and not access_modes(info.access_modes):
        rule = "have at least one mode that is true"
        remedy = "set one to true, or remove accessModes"
        yield Finding(reason=Reason.INVALID_VALUE, path=f"{_CLAIM_INFO}.accessModes", must=rule, remedy=remedy)


def check_claim_annotations(candidate: ValidationSubject) -> Iterator[Finding]:
    """Annotations for provisioners have unique keys that are not Kubernetes' own."""
    pvc = _pvc(candidate)
    items = (pvc and pvc.claim_info and pvc.claim_info.added_attr_values) or ()
    pairs = [(f"{_CLAIM_INFO}.addedAttrValues[{index}].key", item.key) for index, item in enumerate(items)]
    seen_keys = [] if _claim_info(candidate) is None else pairs
    for path, key in seen_keys:
        if not syntax.is_key(key):
            rule = "be an annotation's key, `name` or `domain/name`"
            yield Finding(reason=Reason.INVALID_VALUE, path=path, value=key, must=rule, remedy="correct it")
        domain = "." + key.partition("/")[0]
        if domain == f".{well_known.GROUP}":
            rule = f"not be under {well_known.GROUP}, whose annotations say what the operator has made"
            yield Finding(reason=Reason.RESERVED_KEY, path=path, value=key, must=rule, remedy="remove it")
        if domain.endswith((".kubernetes.io", ".k8s.io")):
            rule = "not be under kubernetes.io or k8s.io, whose annotations drive Kubernetes itself"
            yield Finding(reason=Reason.RESERVED_KEY, path=path, value=key, must=rule, remedy="remove it")
    yield from duplicate_findings(pairs)


def access_modes(modes: AccessModes | None) -> list[str]:
    """Access modes that are true: `["ReadWriteOnce"]` by default, unless readWriteOnce is false."""
    modes = modes or AccessModes()
    modes_set = {
        "ReadWriteOnce": modes.read_write_once is not False,
        "ReadOnlyMany": modes.read_only_many,
        "ReadWriteMany": modes.read_write_many,
    }
    return [mode for mode, is_wanted in modes_set.items() if is_wanted]


def _pvc(candidate: ValidationSubject) -> Pvc | None:
    store = candidate.spec.model_store
    return None if store is None else store.pvc


def _claim_info(candidate: ValidationSubject) -> ClaimInfo | None:
    # None also with existingPvc, which makes claimInfo ignored.
    pvc = _pvc(candidate)
    return None if pvc is None or pvc.existing_pvc else pvc.claim_info or ClaimInfo()
