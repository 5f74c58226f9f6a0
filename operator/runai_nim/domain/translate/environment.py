"""spec.environmentVariables → NIMService. Expects a valid spec."""

from typing import Any

from runai_nim.api.v1alpha1 import EnvironmentVariable
from runai_nim.config.settings import Settings
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, no_output


def _env_fragment(source: TranslationSource) -> Fragment:
    items = source.spec.environment_variables or ()
    env = [_variable(item, source.settings) for item in items if not item.exclude]
    return {"spec": {"env": env}} if env else {}


def _variable(item: EnvironmentVariable, settings: Settings) -> dict[str, Any]:
    reference: dict[str, Any] = {}
    if item.secret is not None:
        reference = {"secretKeyRef": {"name": item.secret.name, "key": item.secret.key}}
    elif item.config_map is not None:
        reference = {"configMapKeyRef": {"name": item.config_map.name, "key": item.config_map.key}}
    elif item.pod_field_ref is not None:
        reference = {"fieldRef": {"fieldPath": item.pod_field_ref.path}}
    elif item.user_credential is not None:
        secret = settings.credential_secret(item.user_credential.name or "")
        reference = {"secretKeyRef": {"name": secret, "key": item.user_credential.key}}
    return {"name": item.name, "valueFrom": reference} if reference else {"name": item.name, "value": item.value}


ROWS = (
    MappingRow(
        "spec.environmentVariables",
        "`spec.env`: value; secret as `secretKeyRef`; configMap as `configMapKeyRef`; podFieldRef as `fieldRef`;"
        " userCredential as `secretKeyRef` to the Secret that the setting `user_credential_secret` names",
        _env_fragment,
        "A user's variable overrides the NIM Operator's; variables that would break the NIM are rejected.",
    ),
    MappingRow("spec.environmentVariables[].description", "nothing; it is a comment", no_output),
)
