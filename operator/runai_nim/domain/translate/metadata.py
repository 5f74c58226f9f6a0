"""spec.labels and spec.annotations → NIMService. Expects a valid spec."""

from runai_nim.api import well_known
from runai_nim.api.v1alpha1 import Annotation, Label
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource


def _items(field: str, items: tuple[Label, ...] | tuple[Annotation, ...] | None) -> Fragment:
    rendered = {item.name: item.value or "" for item in items or () if not item.exclude}
    return {"spec": {field: rendered}} if rendered else {}


def _annotations_fragment(source: TranslationSource) -> Fragment:
    fragment = _items("annotations", source.spec.annotations)
    annotations = fragment.get("spec", {}).get("annotations", {})
    # A scheduler that follows owner references reads them there.
    allowed = {key: value for key, value in annotations.items() if key.startswith(well_known.SCHEDULER_DOMAINS)}
    return fragment | ({"metadata": {"annotations": allowed}} if allowed else {})


ROWS = (
    MappingRow(
        "spec.labels",
        "`spec.labels`: labels of the pods and their Service",
        lambda s: _items("labels", s.spec.labels),
        "Keys of the schedulers and of the NIM Operator are rejected: each has a separate field.",
    ),
    MappingRow(
        "spec.annotations",
        "`spec.annotations`: annotations of the pods, their Service, its Ingress or routes and its HPA; those that the"
        " setting `allowed_scheduler_annotations` allows, on the NIMService, too",
        _annotations_fragment,
        "As for labels. Keys of ingress controllers, gateways, DNS, certificates and load balancers are rejected unless"
        " the setting `allowed_annotations` allows them: on Ingress and routes they would override the router's.",
    ),
)
