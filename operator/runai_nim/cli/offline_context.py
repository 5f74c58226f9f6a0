"""What is assumed about the cluster, from the command line's options. Reads the files that they name, nothing else."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runai_nim.cli.diagnostic import CommandError
from runai_nim.cli.documents import read_single_document
from runai_nim.config.settings import Settings, SettingsError, load_settings
from runai_nim.domain.admission.object_schema import to_stored_object
from runai_nim.domain.decision_input import DecisionInput, make_decision_input
from runai_nim.domain.nimservice_schema import NIMServiceSchema, VersionError

DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class OfflineContext:
    """Of every manifest's cluster; `namespace` is that of those that name none, `namespace_labels` None if unknown."""

    settings: Settings
    namespace: str
    namespace_labels: Mapping[str, str] | None
    nimservice_schema: NIMServiceSchema

    def decision_input(self, manifest: Mapping[str, Any]) -> DecisionInput:
        """What the operator would decide on, once the manifest is stored."""
        return make_decision_input(
            to_stored_object(manifest, self.namespace),
            settings=self.settings,
            namespace_labels=self.namespace_labels,
            nimservice_schema=self.nimservice_schema,
        )


def offline_context(
    *,
    dialect: str | None = None,
    settings_file: str | None = None,
    nim_operator: str | None = None,
    namespace: str = DEFAULT_NAMESPACE,
    namespace_labels: Sequence[str] = (),
) -> OfflineContext:
    """What the options say. Raises CommandError for a file or settings that can't be used, and for odd labels."""
    return OfflineContext(
        settings=read_settings(settings_file, dialect),
        namespace=namespace,
        namespace_labels=parse_labels(namespace_labels),
        nimservice_schema=read_nimservice_schema(nim_operator) if nim_operator else NIMServiceSchema(),
    )


def read_settings(file: str | None, dialect: str | None = None) -> Settings:
    """The operator's settings: of the file, and of the dialect that the command line names. Raises CommandError."""
    given = read_single_document(file).value if file else {}
    if isinstance(given, Mapping) and dialect:
        given = {**given, "dialect": dialect}
    try:
        return load_settings(given, {})
    except SettingsError as error:
        raise CommandError("\n".join(f"{file}: {line}" if file else line for line in str(error).splitlines())) from None


def parse_labels(arguments: Sequence[str]) -> dict[str, str] | None:
    """`key=value` texts as labels; None without any: they are not known. Raises CommandError for any other text."""
    for argument in arguments:
        if not re.fullmatch(r"[^=\s]+=\S*", argument):
            raise CommandError(f'--namespace-label is "{argument}" but must be key=value, such as runai/queue=team-a')
    return dict(argument.split("=", 1) for argument in arguments) if arguments else None


def read_nimservice_schema(argument: str) -> NIMServiceSchema:
    """The NIMService kind of a version of the NIM Operator, or of a file with its CRD. Raises CommandError."""
    if not os.path.exists(argument):
        try:
            return NIMServiceSchema.of_version(argument)
        except VersionError as error:
            raise CommandError(f"--nim-operator: {error}, or a file with the CRD of NIMService") from None
    crd: Any = read_single_document(argument).value
    try:
        if crd["spec"]["names"]["kind"] == "NIMService":
            return NIMServiceSchema.of_crd(crd)
    except (KeyError, TypeError, IndexError, AttributeError):
        pass
    raise CommandError(
        f"{argument} must hold the CustomResourceDefinition of NIMService: take it from the NIM Operator"
    )
