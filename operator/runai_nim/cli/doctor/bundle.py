"""`runai-nim doctor --bundle`: what a bug report needs, as one archive without secrets.

Values of environment variables are left out, and so are values of annotations of others, of which nobody knows what
they hold: `kubectl apply` and Argo CD keep whole manifests there.
"""

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping
from runai_nim.api.well_known import KIND
from runai_nim.cli.diagnostic import CommandError
from runai_nim.domain.observed.stored_object import controller_of

LEFT_OUT: Final = "(left out)"
_OWN_ANNOTATIONS: Final = (
    "runai-nim.io/",
    "kai.scheduler/",
    "gpu-",
    "runai/",
    "run.ai/",
    "nvidia.com/",
    "deployment.kubernetes.io/",
)
_VARIABLES: Final = ("env", "environmentVariables")
_DATA: Final = ("data", "stringData", "binaryData")


def accepted_policies(revisions: Iterable[ObjectView]) -> list[ObjectView]:
    """ControllerRevisions of RunaiNimServices, with their data as `accepted`: data of other kinds are left out."""
    ours = (one for one in revisions if controller_of(one).get("kind") == KIND)
    return [{("accepted" if name == "data" else name): part for name, part in one.items()} for one in ours]


def without_secrets(value: Any) -> Any:
    """A copy of an object in which no value is that may be secret."""
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: _part(name, part) for name, part in value.items() if name != "managedFields"}


def _part(name: str, part: Any) -> Any:
    if name in _VARIABLES:
        return _variables(part)
    if name == "annotations":
        return _annotations(part)
    if name in _DATA:
        return LEFT_OUT
    return without_secrets(part)


def _variables(given: Any) -> Any:
    """Variables of a container or a spec; or what a policy says of them, with its values left out, however deep."""
    if isinstance(given, list | tuple):
        return [_variable(one) for one in given]
    if not isinstance(given, Mapping):
        return LEFT_OUT
    return {name: LEFT_OUT if name == "value" else _below_variables(part) for name, part in given.items()}


def _below_variables(part: Any) -> Any:
    """Names stay, such as those of locked variables; every `value` is left out."""
    if isinstance(part, list | tuple):
        return [_below_variables(one) for one in part]
    return _variables(part) if isinstance(part, Mapping) else part


def _variable(given: Any) -> Any:
    """A variable with its name and its references, without its value."""
    if not isinstance(given, Mapping):
        return LEFT_OUT
    return {name: LEFT_OUT if name == "value" else without_secrets(part) for name, part in given.items()}


def _annotations(given: Any) -> Any:
    if isinstance(given, list | tuple):  # of a RunaiNimService: names and values
        return [_variable(one) if not _is_own(mapping(one).get("name")) else one for one in given]
    return {key: value if _is_own(key) else LEFT_OUT for key, value in mapping(given).items()}


def _is_own(key: Any) -> bool:
    return isinstance(key, str) and key.startswith(_OWN_ANNOTATIONS)


def write_bundle(path: str, documents: Mapping[str, Any]) -> None:
    """Write the documents as JSON files of a .tar.gz, whole or not at all. Raises CommandError."""
    target = Path(path)
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".bundle-", delete=False) as file:
            try:
                with tarfile.open(fileobj=file, mode="w:gz") as archive:
                    for name, document in documents.items():
                        text = json.dumps(without_secrets(document), indent=2, ensure_ascii=False).encode()
                        member = tarfile.TarInfo(f"runai-nim-doctor/{name}.json")
                        member.size = len(text)
                        archive.addfile(member, io.BytesIO(text))
                os.replace(file.name, target)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from None
