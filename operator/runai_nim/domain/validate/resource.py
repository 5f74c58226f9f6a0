"""Rules for metadata: the name, which the NIMService inherits, and reserved scheduling labels."""

from collections.abc import Iterator, Mapping
from typing import Final

from runai_nim.api import syntax, well_known
from runai_nim.config.settings import Settings
from runai_nim.domain.finding import Finding, character_findings
from runai_nim.domain.reasons import Reason

MAX_NAME_LENGTH: Final = 59
"""The container is named `<name>-ctr`, which must fit into 63 characters."""
_CONSEQUENCE: Final = "choose another name and create the RunaiNimService again"


def check_name_syntax(name: str) -> Iterator[Finding]:
    """A DNS-1035 label of at most 59 characters, as NIMService, Service and container require."""
    if not syntax.is_dns_1035_label(name):
        rule = "be lower case letters, digits and -, beginning with a letter and not ending with -"
        yield Finding(reason=Reason.INVALID_NAME, path="metadata.name", value=name, must=rule, remedy=_CONSEQUENCE)
    if len(name) > MAX_NAME_LENGTH:
        rule = f"have at most {MAX_NAME_LENGTH} characters (it has {len(name)})"
        yield Finding(reason=Reason.INVALID_NAME, path="metadata.name", value=name, must=rule, remedy=_CONSEQUENCE)


def check_name_is_not_reserved(name: str) -> Iterator[Finding]:
    """Names with which the NIM Operator would overwrite or delete foreign objects are rejected."""
    if name == "default":
        rule = "not be that of the namespace's ServiceAccount, which the NIM Operator would overwrite"
        yield Finding(reason=Reason.INVALID_NAME, path="metadata.name", value=name, must=rule, remedy=_CONSEQUENCE)
    if name.endswith(well_known.NIM_PICKER_SUFFIX):
        rule = "not end in -epp, which the NIM Operator deletes as a left-over of another service"
        yield Finding(reason=Reason.INVALID_NAME, path="metadata.name", value=name, must=rule, remedy=_CONSEQUENCE)


def check_name_is_yaml_string(name: str) -> Iterator[Finding]:
    """YAML reads the name as a string: the NIM Operator writes it unquoted."""
    if syntax.is_dns_1035_label(name) and not syntax.is_yaml_text(name):
        rule = "not be a word that YAML reads as true, false, null or a number"
        yield Finding(reason=Reason.INVALID_NAME, path="metadata.name", value=name, must=rule, remedy=_CONSEQUENCE)


def check_reserved_labels(labels: Mapping[str, str], settings: Settings) -> Iterator[Finding]:
    """Scheduling labels on the resource are rejected: they can override rendered ones (seen with KAI's pod grouper)."""
    for key in sorted(labels):
        owner = well_known.owner_of(key, settings.configured_keys)
        if owner is not None:
            remedy = f"remove the label; {well_known.set_by(owner)}"
            yield Finding(
                reason=Reason.RESERVED_KEY,
                path=f"metadata.labels[{key}]",
                must="not be set by hand",
                remedy=remedy,
            )


def check_restarted_at(annotations: Mapping[str, str]) -> Iterator[Finding]:
    """The value is copied to the pods, so the NIM Operator must be able to render it."""
    key = well_known.RESTARTED_AT
    yield from character_findings(f"metadata.annotations[{key}]", annotations.get(key))
