"""Rules for spec.labels and spec.annotations, which are copied to pods, Service, routes and autoscaler."""

from collections.abc import Iterator
from typing import Final

from runai_nim.api import syntax, well_known
from runai_nim.api.v1alpha1 import Annotation, Label
from runai_nim.domain.finding import Finding, character_findings
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import secrets
from runai_nim.domain.validate.list_items import duplicate_findings
from runai_nim.domain.validate.subject import ValidationSubject

_ALLOW: Final = ", or have it allowed by allowed_scheduler_annotations in the operator's settings"
_PLACES_OF_SETTINGS: Final = {"external_annotations": "route", "service_annotations": "Service"}
"""Settings with annotations, and what they are put on. A user's annotation of the same key would override them."""


def check_label_keys(candidate: ValidationSubject) -> Iterator[Finding]:
    """Valid keys, unique among labels and among annotations, including excluded items."""
    for field in ("labels", "annotations"):
        items = [(f"{path}.name", item.name) for path, item in _items(candidate, field)]
        for path, key in items:
            if not syntax.is_key(key):
                rule = "be a key, `name` or `domain/name` of letters, digits, -, _ and ."
                yield Finding(reason=Reason.INVALID_NAME, path=path, value=key, must=rule, remedy="correct it")
        yield from duplicate_findings(items)


def check_label_values(candidate: ValidationSubject) -> Iterator[Finding]:
    """Label values are limited in syntax and length; annotations are not."""
    for path, item in _items(candidate, "labels"):
        if item.value and not item.exclude and not syntax.is_label_value(item.value):
            rule = "be up to 63 letters, digits, -, _ and ., beginning and ending with a letter or digit"
            yield Finding(
                reason=Reason.INVALID_VALUE,
                path=f"{path}.value",
                value=None if secrets.is_secret_name(item.name) else item.value,
                must=rule,
                remedy="correct it, or use an annotation",
            )


def check_annotation_characters(candidate: ValidationSubject) -> Iterator[Finding]:
    """A value that the NIM Operator can't render would make the NIMService fail for ever."""
    for path, item in _items(candidate, "annotations"):
        if not item.exclude:
            yield from character_findings(f"{path}.value", item.value)


def check_reserved_keys(candidate: ValidationSubject) -> Iterator[Finding]:
    """Keys of schedulers and the NIM Operator are rejected: they would bypass the rules of the fields that set them."""
    settings = candidate.context.settings
    configured = settings.configured_keys
    for field in ("labels", "annotations"):
        for path, item in _items(candidate, field):
            owner = well_known.owner_of(item.name, configured)
            if owner is None:
                owner = well_known.matching_pattern(item.name, well_known.CHILD_KEYS)
            can_be_allowed = field == "annotations" and owner == "" and _is_of_a_scheduler(item.name)
            if can_be_allowed and well_known.key_matches(item.name, settings.allowed_scheduler_annotations):
                continue
            if owner is not None and not item.exclude:
                rule = "not be a reserved key"
                remedy = f"remove it{_ALLOW if can_be_allowed else ''}; {well_known.set_by(owner)}"
                yield Finding(
                    reason=Reason.RESERVED_KEY, path=f"{path}.name", value=item.name, must=rule, remedy=remedy
                )


def check_edge_keys(candidate: ValidationSubject) -> Iterator[Finding]:
    """Keys that controllers at the edge read are rejected: on Service and routes they override the administrator's."""
    settings = candidate.context.settings
    for path, item in _items(candidate, "annotations"):
        if item.exclude:
            continue
        taken = [
            f"{name}, whose value holds for every {place}"
            for name, place in _PLACES_OF_SETTINGS.items()
            if item.name in getattr(settings, name)
        ]
        if taken:
            rule = f"not be a key of the operator's setting {taken[0]}"
            yield Finding(
                reason=Reason.RESERVED_KEY, path=f"{path}.name", value=item.name, must=rule, remedy="remove it"
            )
            continue
        reader = well_known.edge_reader(item.name)
        if reader is not None and not well_known.key_matches(item.name, settings.allowed_annotations):
            rule = (
                f"not be a key that {reader} read, since annotations reach the Service, its routes and its autoscaler"
            )
            remedy = "remove it, or have it allowed by allowed_annotations in the operator's settings"
            yield Finding(reason=Reason.RESERVED_KEY, path=f"{path}.name", value=item.name, must=rule, remedy=remedy)


def _is_of_a_scheduler(key: str) -> bool:
    return key.startswith(well_known.SCHEDULER_DOMAINS)


def _items(candidate: ValidationSubject, field: str) -> Iterator[tuple[str, Label | Annotation]]:
    for index, item in enumerate(getattr(candidate.spec, field) or ()):
        yield f"spec.{field}[{index}]", item
