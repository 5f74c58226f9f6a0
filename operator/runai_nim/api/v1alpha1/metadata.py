"""spec.labels and spec.annotations of the pods."""

from pydantic import StrictBool

from runai_nim.api.v1alpha1.schema import (
    LabelKey,
    SpecModel,
    Value,
)


class Label(SpecModel):
    """A label of the pods and their Service."""

    name: LabelKey
    """Key of the label, 1-63 characters. Keys of Run:ai, KAI and NVIDIA are rejected: use the spec field for each."""

    value: Value | None = None
    """Value of the label; default empty."""

    exclude: StrictBool | None = None
    """true: not rendered, and removes the label of this name that a policy adds. Default false."""


class Annotation(SpecModel):
    """An annotation of the pods, their Service, its routes and its autoscaler."""

    name: LabelKey
    """Key of the annotation, 1-63 characters. Keys of Run:ai, KAI and NVIDIA are rejected: use the spec field for
    each. Keys of ingress controllers, gateways, external-dns, cert-manager and load balancers are rejected unless a
    setting allows them."""

    value: Value | None = None
    """Value of the annotation; default empty."""

    exclude: StrictBool | None = None
    """true: not rendered, and removes the annotation of this name that a policy adds. Default false."""
