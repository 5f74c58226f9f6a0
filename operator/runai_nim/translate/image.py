"""The container's image, pull secrets, NGC secret and ids → NIMService. Expects a spec without errors."""

from typing import Any

from runai_nim import image
from runai_nim.api.v1alpha1 import ImagePullSecret, RunaiNimServiceSpec, Security


def image_fragment(spec: RunaiNimServiceSpec) -> dict[str, Any]:
    """`image` and `authSecret`."""
    fragment: dict[str, Any] = repository_and_tag(spec.image or "")
    if spec.image_pull_policy is not None:
        fragment["pullPolicy"] = spec.image_pull_policy
    secrets = _names(spec.image_pull_secrets or ())
    if secrets:
        fragment["pullSecrets"] = secrets
    return {"image": fragment, "authSecret": spec.ngc_auth_secret}


def repository_and_tag(text: str) -> dict[str, str]:
    """The two parts that the NIM Operator joins with `:`; a digest is therefore cut at its own colon."""
    parsed = image.parse(text)
    if parsed.digest is not None:
        algorithm, digest = parsed.digest
        return {"repository": f"{parsed.repository}@{algorithm}", "tag": digest}
    return {"repository": parsed.repository, "tag": parsed.tag or "latest"}


def security_fragment(security: Security) -> dict[str, Any]:
    """`userID` and `groupID`, where given."""
    ids = {"userID": security.run_as_uid, "groupID": security.run_as_gid}
    return {key: value for key, value in ids.items() if value is not None}


def _names(secrets: tuple[ImagePullSecret, ...]) -> list[str]:
    return [secret.name for secret in secrets if not secret.exclude]
