"""The steps that hand a running NIMService over to the operator, as shell commands with comments."""

import shlex

from runai_nim.api import well_known
from runai_nim.cli.changes import Difference
from runai_nim.cli.import_sources import ImportedManifest


def adoption_steps(imported: ImportedManifest, file: str, difference: Difference | None) -> str:
    """Commands for one NIMService. `difference`: from the NIMService to what the operator writes; None if nothing.

    The annotation comes first, so that `diff --live` shows the adoption before anything is written.
    """
    name = shlex.quote(imported.name)
    where = f" -n {shlex.quote(imported.namespace)}" if imported.namespace else ""
    if difference is None:
        return f"# {name}: correct {shlex.quote(file)} first, the operator would reject it\n"
    pods = "restart once" if difference.restarts else "don't restart"
    return "".join(
        f"{line}\n"
        for line in (
            f"# {name}: pods {pods} ({difference.restart_reason})",
            f"kubectl annotate nimservice {name}{where} {well_known.ADOPT}=true",
            f"runai-nim diff --live{where} -f {shlex.quote(file)} || test $? -eq 1",
            f"kubectl apply{where} -f {shlex.quote(file)}",
            f"kubectl wait runainimservice {name}{where} --for=condition=Ready --timeout=30m",
        )
    )
