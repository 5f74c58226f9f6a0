"""Reads the policies that `--policies` names. A mistake in one of them ends the command: it never means no policy."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runai_nim.api.resources import ObjectKey
from runai_nim.api.v1alpha1.policy import POLICY_SPECS
from runai_nim.cli.diagnostic import CommandError, Diagnostic, Position
from runai_nim.cli.documents import Document, read_documents
from runai_nim.cli.input_files import read_input
from runai_nim.cli.manifests import Manifest, objects_in
from runai_nim.domain.admission.policy_schema import read_policy
from runai_nim.domain.policy import Policy, PolicySet


def read_policies(
    files: Sequence[str], namespace: str, labels: Mapping[str, str] | None, *, replaced_by: Sequence[str] = ()
) -> PolicySet:
    """All policies of the files. Raises CommandError for one that is invalid or contradicts another one.

    `namespace`: that of a project's policy that names none; `labels`: those of the namespace of resources, if known.
    `replaced_by`: files with policies that replace those of the same name.
    """
    found, problems = _read_files(files, namespace)
    new, new_problems = _read_files(replaced_by, namespace)
    names = {policy.key for policy in new}
    found = {**{one: found[one] for one in found if one.key not in names}, **new}
    problems += new_problems
    policies = PolicySet(found)
    if not problems and labels is None and policies.needs_labels:
        problems += [
            found[policy].problem(f"{policy.title} selects namespaces by label: name the labels by --namespace-label")
            for policy in policies.needs_labels
        ]
    problems += [] if problems else _contradictions(policies, found, labels or {})
    _refuse(problems)
    return policies


def policies_of_files(files: Sequence[str], namespace: str) -> tuple[Policy, ...]:
    """All policies of the files, each of which is valid by itself; of two with a name the later one.

    Raises CommandError for one that is invalid.
    """
    found: dict[ObjectKey, Policy] = {}
    problems: list[Diagnostic] = []
    for file in files:
        of_file, problems_of_file = _read_files([file], namespace)
        problems += problems_of_file
        found |= {policy.key: policy for policy in of_file}
    _refuse(problems)
    return tuple(found.values())


def _refuse(problems: Sequence[Diagnostic]) -> None:
    if problems:
        raise CommandError("\n".join(f"{one.place} error: {one.message}" for one in dict.fromkeys(problems)))


def _read_files(files: Sequence[str], namespace: str) -> tuple[dict[Policy, Manifest], list[Diagnostic]]:
    found: dict[Policy, Manifest] = {}
    problems: list[Diagnostic] = []
    for file in files:
        before = len(found) + len(problems)
        for one in _policies_in(file, namespace):
            if isinstance(one, Diagnostic):
                problems.append(one)
            else:
                problems += _repeated(one, found)
                found[one[0]] = one[1]
        if len(found) + len(problems) == before:
            kinds = " or ".join(POLICY_SPECS)
            problems.append(Diagnostic(file, Position(), f"must contain a {kinds}: it contains none"))
    return found, problems


def _policies_in(file: str, namespace: str) -> Iterator[tuple[Policy, Manifest] | Diagnostic]:
    for text in read_input(file):
        for document in read_documents(text):
            if isinstance(document, Diagnostic):
                yield document
                continue
            for value, position in objects_in(document):
                yield from _read(document, value, position, namespace)


def _read(
    document: Document, value: Any, position: Position, namespace: str
) -> Iterator[tuple[Policy, Manifest] | Diagnostic]:
    manifest = Manifest(document, value, position)
    if not isinstance(value, dict) or value.get("kind") not in POLICY_SPECS:
        yield manifest.problem(f"must be a policy, of kind {' or '.join(POLICY_SPECS)}: correct or remove it")
        return
    policy, findings = read_policy(value, namespace)
    yield from (manifest.diagnostic(finding, "") for finding in findings)
    if policy is not None:
        yield policy, manifest


def _repeated(one: tuple[Policy, Manifest], found: Mapping[Policy, Manifest]) -> Iterator[Diagnostic]:
    policy, manifest = one
    if any(other.key == policy.key for other in found):
        yield manifest.problem(f"{policy.title} must be defined once: remove or rename one of the two")


def _contradictions(
    policies: PolicySet, found: Mapping[Policy, Manifest], labels: Mapping[str, str]
) -> Iterator[Diagnostic]:
    for namespace in dict.fromkeys(policy.namespace for policy in found):
        for rejected in policies.of_namespace(namespace, labels).rejected:
            yield found[rejected.policy].diagnostic(rejected.finding, "")
