"""RunaiNimService, the root type.

`RunaiNimService.model_validate(object)` parses an object of the API, or raises pydantic's ValidationError, whose
locations use the API's field names.
"""

from collections.abc import Mapping
from typing import Any, Literal

from runai_nim.api.v1alpha1.schema import ApiModel, CelRule, cel
from runai_nim.api.v1alpha1.spec import RunaiNimServiceSpec
from runai_nim.api.v1alpha1.status import RunaiNimServiceStatus


class RunaiNimService(ApiModel):
    """A NIM served through the NVIDIA NIM Operator and scheduled by Run:ai."""

    # The name is also that of the NIMService, its Service and its pods, which the NIM Operator writes unquoted into
    # YAML. generateName is covered, because the rules see the generated name.
    model_config = cel(
        CelRule(
            "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "metadata.name must be a DNS label that starts with a letter (a-z, 0-9 and -, not ending in -):"
            " choose another name",
            ".metadata.name",
        ),
        CelRule(
            "size(self.metadata.name) <= 59",
            "metadata.name must have at most 59 characters (a generateName prefix at most 54): choose a shorter name",
            ".metadata.name",
            "'metadata.name has %s characters but must have at most 59 (a generateName prefix at most 54): choose a"
            " shorter name'.format([size(self.metadata.name)])",
        ),
        CelRule(
            "!has(self.spec.multiNode) || size(self.metadata.name) <= 44",
            "metadata.name must have at most 44 characters with spec.multiNode: choose a shorter name",
            ".metadata.name",
            "'metadata.name has %s characters but must have at most 44 with spec.multiNode: choose a shorter name'"
            ".format([size(self.metadata.name)])",
        ),
        CelRule(
            "self.metadata.name != 'default'",
            "metadata.name must not be default, because the NIM Operator would overwrite the namespace's ServiceAccount"
            " default: choose another name",
            ".metadata.name",
        ),
        CelRule(
            "!self.metadata.name.endsWith('-epp')",
            "metadata.name must not end in -epp, because the NIM Operator deletes objects with such names: choose"
            " another name",
            ".metadata.name",
        ),
        CelRule(
            "!(self.metadata.name in ['true', 'false', 'yes', 'no', 'on', 'off', 'y', 'n', 'null'])",
            "metadata.name must not be a word that YAML reads as true, false or null: choose another name",
            ".metadata.name",
        ),
    )

    api_version: Literal["runai-nim.io/v1alpha1"]
    """Group and version of this type: runai-nim.io/v1alpha1."""

    kind: Literal["RunaiNimService"]
    """RunaiNimService."""

    metadata: Mapping[str, Any]
    """Standard metadata. The namespace determines the project; NIMService and Service have the same name."""

    spec: RunaiNimServiceSpec
    """The NIM to serve, its resources and its scheduling: the spec of Run:ai's NVIDIA NIM API."""

    status: RunaiNimServiceStatus | None = None
    """Observed state; written by the operator only."""
