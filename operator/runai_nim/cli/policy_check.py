"""`runai-nim policy check`: what a policy would change, before it is applied."""

from collections.abc import Sequence
from typing import Final

from runai_nim.api.count_text import count_text
from runai_nim.cli import terminal
from runai_nim.cli.changes import Difference, compare_evaluations
from runai_nim.cli.diagnostic import EXIT_FAILURE, EXIT_FINDINGS, EXIT_OK
from runai_nim.cli.diff import OutputFormat, evaluations_by_resource, write_differences
from runai_nim.cli.evaluation import ManifestEvaluation
from runai_nim.cli.manifests import read_manifests
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.cli.unused_policies import note_on_unused
from runai_nim.domain.reasons import Reason

EXIT_RESTARTS: Final = 3
"""Exit code if pods restart."""
EXIT_VIOLATIONS: Final = 4
"""Exit code if resources break a rule that they don't break now."""


def check_policy(files: Sequence[str], before: OfflineContext, after: OfflineContext, output: OutputFormat) -> int:
    """Write what differs for the RunaiNimServices of the files, and return the exit code by the gravest difference."""
    manifests = list(read_manifests(files))
    old, unreadable = evaluations_by_resource(manifests, before)
    new, _ = evaluations_by_resource(manifests, after)
    remarks = [*before.remarks, *unreadable, *note_on_unused(after, new.values())]
    terminal.write_diagnostics_to_stderr(dict.fromkeys(remarks))
    if unreadable:
        return EXIT_FAILURE
    differences = [compare_evaluations(name, old[name], new[name]) for name in old]
    write_differences(differences, output)
    violating = [name for name in old if violates(new[name]) and not violates(old[name])]
    restarting = [one for one in differences if one and one.restarts]
    terminal.write_styled(_summary(differences, restarting=len(restarting), violating=len(violating)))
    return exit_code(violates=bool(violating), restarts=bool(restarting), changes=any(differences))


def exit_code(*, violates: bool, restarts: bool, changes: bool) -> int:
    """The exit code of the gravest difference."""
    if violates:
        return EXIT_VIOLATIONS
    if restarts:
        return EXIT_RESTARTS
    return EXIT_FINDINGS if changes else EXIT_OK


def violates(evaluation: ManifestEvaluation) -> bool:
    """Whether a rule of a policy in force is broken."""
    return any(finding.reason == Reason.POLICY_VIOLATION for finding in evaluation.desired.findings)


def _summary(differences: Sequence[Difference], *, restarting: int, violating: int) -> str:
    services = f"{count_text(len(differences), 'RunaiNimService')} checked"
    changing = sum(map(bool, differences)) - violating
    return f"{services}: {changing} would change, pods of {restarting} would restart, {violating} would break a rule"
