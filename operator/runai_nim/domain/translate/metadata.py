"""spec.labels and spec.annotations → NIMService. Expects a valid spec."""

from runai_nim.api.v1alpha1 import Annotation, Label
from runai_nim.domain.translate.rules import Fragment, MappingRow


def _items(field: str, items: tuple[Label, ...] | tuple[Annotation, ...] | None) -> Fragment:
    rendered = {item.name: item.value or "" for item in items or () if not item.exclude}
    return {"spec": {field: rendered}} if rendered else {}


ROWS = (
    MappingRow(
        "spec.labels",
        "`spec.labels`: labels of the pods and their Service",
        lambda s: _items("labels", s.spec.labels),
        "Keys of the schedulers and of the NIM Operator are rejected: each has a separate field.",
    ),
    MappingRow(
        "spec.annotations",
        "`spec.annotations`: annotations of the pods, their Service, its Ingress or routes and its HPA",
        lambda s: _items("annotations", s.spec.annotations),
        "As for labels. Keys of ingress controllers, gateways, DNS, certificates and load balancers are rejected unless"
        " the setting `allowed_annotations` allows them: on Ingress and routes they would override the router's.",
    ),
)
