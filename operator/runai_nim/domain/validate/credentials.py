"""Rules for users' credentials of Run:ai, in environment variables and pull secrets: their Secrets can be named."""

from collections.abc import Iterator

from runai_nim.api import syntax
from runai_nim.domain.validate.finding import Finding, Reason
from runai_nim.domain.validate.subject import ValidationSubject


def check_user_credentials(candidate: ValidationSubject) -> Iterator[Finding]:
    """Run:ai doesn't document how it names the Secret of a credential, so that an administrator has to say it."""
    for path, credential, instead in _credentials(candidate):
        secret = candidate.context.settings.credential_secret(credential)
        if secret is None:
            rule = "not be used, the operator's settings don't say which Secret holds a credential"
            remedy = f"{instead}, or set user_credential_secret in the operator's settings"
            yield Finding(reason=Reason.NOT_CONFIGURED, path=path, value=credential, must=rule, remedy=remedy)
        elif not syntax.is_object_name(secret):
            rule = f"be a credential whose Secret can exist, {secret} is no name of a Secret"
            yield Finding(reason=Reason.INVALID_NAME, path=path, value=credential, must=rule, remedy="correct it")


def _credentials(candidate: ValidationSubject) -> Iterator[tuple[str, str, str]]:
    """Path, name, and what can be used instead."""
    for index, variable in enumerate(candidate.spec.environment_variables or ()):
        credential = variable.user_credential
        if credential is not None and credential.name is not None and not variable.exclude:
            yield f"spec.environmentVariables[{index}].userCredential.name", credential.name, "use secret instead"
    for index, pulled in enumerate(candidate.spec.image_pull_secrets or ()):
        if pulled.user_credential and not pulled.exclude:
            path = f"spec.imagePullSecrets[{index}].name"
            yield path, pulled.name, "name a Secret of this namespace and remove userCredential"
