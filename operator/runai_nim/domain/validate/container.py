"""Rules for the container: image, pull secrets, the NGC key's secret."""

from collections.abc import Iterator

from runai_nim.api import image_reference, syntax
from runai_nim.domain.validate.finding import Finding, Reason
from runai_nim.domain.validate.list_items import duplicate_findings
from runai_nim.domain.validate.subject import ValidationSubject


def check_image(candidate: ValidationSubject) -> Iterator[Finding]:
    """Required, and an image that can exist; a digest decides, so a tag beside it is only for people."""
    text = candidate.spec.image
    if text is None:
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec.image", must="be set", remedy="name the NIM's image")
        return
    try:
        parsed = image_reference.parse(text)
    except image_reference.ImageError as error:
        yield Finding(reason=Reason.INVALID_VALUE, path="spec.image", value=text, must=str(error), remedy="correct it")
        return
    if parsed.tag and parsed.digest:
        rule = "have a tag or a digest, not both (the digest decides, the tag is dropped)"
        yield Finding(
            reason=Reason.IGNORED_FIELD,
            path="spec.image",
            value=text,
            must=rule,
            remedy=f"remove :{parsed.tag}",
            severity="warning",
        )


def check_ngc_auth_secret(candidate: ValidationSubject) -> Iterator[Finding]:
    """NIM Operator up to 3.1.2 requires authSecret."""
    if candidate.spec.ngc_auth_secret is None and candidate.context.nimservice_schema.requires_auth_secret:
        rule = "be set, the NIM Operator requires it"
        remedy = "name a Secret of this namespace whose key NGC_API_KEY holds the NGC API key"
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec.ngcAuthSecret", must=rule, remedy=remedy)


def check_image_pull_secrets(candidate: ValidationSubject) -> Iterator[Finding]:
    """Unique names that YAML reads as text: the NIM Operator writes them unquoted into its templates."""
    secrets = [
        (f"spec.imagePullSecrets[{i}].name", item) for i, item in enumerate(candidate.spec.image_pull_secrets or ())
    ]
    yield from duplicate_findings((path, item.name) for path, item in secrets)
    for path, item in secrets:
        name = candidate.context.settings.credential_secret(item.name) if item.user_credential else item.name
        if name is not None and not item.exclude and not syntax.is_yaml_text(name):
            rule = "be the name of a Secret, and no word that YAML reads as true, false, null or a number"
            yield Finding(reason=Reason.INVALID_NAME, path=path, value=item.name, must=rule, remedy="rename the Secret")
