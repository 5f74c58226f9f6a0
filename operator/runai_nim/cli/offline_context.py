"""Assumptions about the cluster, from command-line options and the files that they name."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runai_nim.cli.diagnostic import CommandError, Diagnostic, Position
from runai_nim.cli.documents import read_single_document
from runai_nim.config.settings import Settings
from runai_nim.config.settings_loader import SettingsError, load_settings
from runai_nim.domain.admission.object_schema import to_stored_object
from runai_nim.domain.decision_input import DecisionInput, make_decision_input
from runai_nim.domain.nimservice_schema import MAIN, RELEASES, NIMServiceSchema, VersionError, nearest_release
from runai_nim.domain.policy import CompiledPolicies, PolicySet

DEFAULT_NAMESPACE = "default"
CHART_VALUES = frozenset(
    (
        *("admissionPolicy", "affinity", "crds", "extraEnv", "extraObjects", "fullnameOverride", "global", "image"),
        *("imagePullSecrets", "nameOverride", "networkPolicy", "nodeSelector", "podAnnotations"),
        *("podDisruptionBudget", "podLabels", "priorityClassName", "priorityClasses", "prometheusRule", "rbac"),
        *("replicas", "resources", "rest", "serviceAccount", "serviceMonitor", "settings"),
        *("terminationGracePeriodSeconds", "tolerations", "topologySpread"),
    )
)
"""The chart's values; none of them is the name of a setting."""
_HELM_HEADINGS = frozenset({"USER-SUPPLIED VALUES", "COMPUTED VALUES"})
"""The first line of `helm get values` without `--output yaml`, which reads as a key."""


@dataclass(frozen=True, slots=True)
class OfflineContext:
    """Assumed settings and state of the cluster.

    `namespace` applies to manifests without one; `namespace_labels` is None if unknown.
    """

    settings: Settings
    namespace: str
    namespace_labels: Mapping[str, str] | None
    nimservice_schema: NIMServiceSchema
    remarks: tuple[Diagnostic, ...] = ()
    """Warnings about the options."""
    policies: PolicySet | None = None
    """Policies in force; None: there are none."""

    def decision_input(self, manifest: Mapping[str, Any]) -> DecisionInput:
        """The decision input that the operator would have once the manifest is stored."""
        stored = to_stored_object(manifest, self.namespace)
        return make_decision_input(
            stored,
            settings=self.settings,
            namespace_labels=self.namespace_labels,
            nimservice_schema=self.nimservice_schema,
            policies=self.policies_of(stored["metadata"]["namespace"], self.namespace_labels),
        )

    def policies_of(self, namespace: str, labels: Mapping[str, str] | None) -> CompiledPolicies | None:
        """The policies for resources of a namespace with these labels; None without any."""
        return None if self.policies is None else self.policies.of_namespace(namespace, labels or {})


def offline_context(
    *,
    dialect: str | None = None,
    gpu_fraction_keys: str | None = None,
    settings_file: str | None = None,
    nim_operator: str | None = None,
    namespace: str = DEFAULT_NAMESPACE,
    namespace_labels: Sequence[str] = (),
    policies: Sequence[str] = (),
    new_policies: Sequence[str] = (),
) -> OfflineContext:
    """The context for these options; `new_policies` replace those of `policies` with the same name.

    Raises CommandError for an unusable file, invalid settings, labels or policies.
    """
    labels = parse_labels(namespace_labels)
    return OfflineContext(
        settings=read_settings(settings_file, dialect=dialect, gpu_fraction_keys=gpu_fraction_keys),
        namespace=namespace,
        namespace_labels=labels,
        nimservice_schema=read_nimservice_schema(nim_operator) if nim_operator else NIMServiceSchema(),
        remarks=tuple(_check_version(nim_operator or "")),
        policies=_policies((policies, new_policies), namespace, labels) if policies or new_policies else None,
    )


def _policies(
    files: tuple[Sequence[str], Sequence[str]], namespace: str, labels: Mapping[str, str] | None
) -> PolicySet:
    # The types of policies take 0.1 s to build, for commands that use them only.
    from runai_nim.cli.policies import read_policies

    current, new = files
    return read_policies(current, namespace, labels, replaced_by=new)


def _check_version(argument: str) -> Iterator[Diagnostic]:
    """A warning for a version that isn't a known release, or a note where the schema isn't by the release's own CRD."""
    if not argument or os.path.exists(argument) or argument == MAIN:
        return
    release = nearest_release(argument)
    if argument.removeprefix("v") != release:
        message = (
            f"should be one of {', '.join(RELEASES)} and {MAIN}, {argument} is not known here and is taken for"
            f" {release}: name its CRD's file"
        )
        yield Diagnostic("--nim-operator", Position(), message, "warning", reason="UnknownVersion")
    elif RELEASES[release] != release:
        message = (
            f"the fields of {release} are those of the CRD of {RELEASES[release]} and of its release notes: name its"
            " CRD's file to be sure"
        )
        yield Diagnostic("--nim-operator", Position(), message, "note", reason="NearestVersion")


def read_settings(file: str | None, **options: str | None) -> Settings:
    """Settings from the file; options of the command line that are given override them. Raises CommandError."""
    given = _settings_in(read_single_document(file).value) if file else {}
    if isinstance(given, Mapping):
        given = {**given, **{name: value for name, value in options.items() if value}}
    try:
        return load_settings(given, {})
    except SettingsError as error:
        raise CommandError("\n".join(f"{file}: {line}" if file else line for line in str(error).splitlines())) from None


def _settings_in(document: Any) -> Any:
    """The settings in a file; in a file of values of the chart they are below `settings`, or not given."""
    if not isinstance(document, Mapping):
        return document
    if "settings" in document:
        return document["settings"] or {}
    return {} if document and (CHART_VALUES | _HELM_HEADINGS).issuperset(document) else document


def parse_labels(arguments: Sequence[str]) -> dict[str, str] | None:
    """`key=value` texts as labels; None (unknown) without any. Raises CommandError for any other text."""
    for argument in arguments:
        if not re.fullmatch(r"[^=\s]+=\S*", argument):
            raise CommandError(f'--namespace-label is "{argument}" but must be key=value, such as runai/queue=team-a')
    return dict(argument.split("=", 1) for argument in arguments) if arguments else None


def read_nimservice_schema(argument: str) -> NIMServiceSchema:
    """The NIMService schema of a version of the NIM Operator, or from a file with the CRD. Raises CommandError."""
    if not os.path.exists(argument):
        try:
            return NIMServiceSchema.of_version(argument)
        except VersionError as error:
            raise CommandError(f"--nim-operator: {error}, or a file with the NIMService CRD") from None
    crd: Any = read_single_document(argument).value
    try:
        if crd["spec"]["names"]["kind"] == "NIMService":
            return NIMServiceSchema.of_crd(crd)
    except (KeyError, TypeError, IndexError, AttributeError):
        pass
    raise CommandError(
        f"{argument} must contain the NIMService CRD: kubectl get crd nimservices.apps.nvidia.com -o yaml prints it"
    )
