"""spec.environmentVariables: names, values and references."""

from typing import Annotated

from pydantic import Field, StrictBool

from runai_nim.api.v1alpha1.schema import (
    CelRule,
    DnsLabel,
    Name,
    SpecModel,
    Value,
    cel,
)


class SecretKey(SpecModel):
    """A key of a Secret."""

    name: Annotated[DnsLabel, Field(min_length=1)] | None = None
    """Name of a Secret in this namespace; required."""

    key: Name | None = None
    """Key in the Secret; required."""


class ConfigMapKey(SpecModel):
    """A key of a ConfigMap."""

    name: Annotated[DnsLabel, Field(min_length=1)] | None = None
    """Name of a ConfigMap in this namespace; required."""

    key: Name | None = None
    """Key in the ConfigMap; required."""


class PodFieldReference(SpecModel):
    """A field of the pod."""

    path: Name | None = None
    """Path of the field, e.g. metadata.name or status.podIP; required."""


class UserCredentialKey(SpecModel):
    """A key of a user's credential in Run:ai."""

    name: Name | None = None
    """Name of the credential; required. The operator's settings define the name of its Secret."""

    key: Name | None = None
    """Key in the credential; required."""


class EnvironmentVariable(SpecModel):
    """An environment variable with one source."""

    model_config = cel(
        CelRule(
            "(has(self.value) ? 1 : 0) + (has(self.secret) ? 1 : 0) + (has(self.configMap) ? 1 : 0)"
            " + (has(self.podFieldRef) ? 1 : 0) + (has(self.userCredential) ? 1 : 0) <= 1",
            "an item of environmentVariables must have one source only: keep one of value, secret, configMap,"
            " podFieldRef and userCredential",
            ".name",
            "'%s in environmentVariables must have one source only: keep one of value, secret, configMap, podFieldRef"
            " and userCredential'.format([self.name])",
        ),
    )

    name: Name
    """Name of the variable: letters, digits, - . and _, not starting with a digit."""

    value: Value | None = None
    """Literal value. Excludes the other sources. Don't put secrets here."""

    secret: SecretKey | None = None
    """Takes the value from a Secret of this namespace."""

    config_map: ConfigMapKey | None = None
    """Takes the value from a ConfigMap of this namespace."""

    pod_field_ref: PodFieldReference | None = None
    """Takes the value from a field of the pod."""

    user_credential: UserCredentialKey | None = None
    """Takes the value from a user's credential in Run:ai."""

    exclude: StrictBool | None = None
    """true: not rendered, and removes the variable of this name that a policy adds. Default false."""

    description: Value | None = None
    """A comment for readers; not copied to pods."""
