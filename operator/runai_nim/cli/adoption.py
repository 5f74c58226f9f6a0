"""The steps that hand a running NIMService over to the operator, as shell commands with comments."""

import shlex
from collections.abc import Iterator

from runai_nim.api import well_known
from runai_nim.api.count_text import count_text
from runai_nim.cli.changes import Difference
from runai_nim.cli.import_sources import ImportedManifest


def adoption_steps(imported: ImportedManifest, file: str, difference: Difference | None) -> str:
    """Commands for one NIMService. `difference`: from the NIMService to what the operator writes; None if nothing.

    The annotation comes first, so that `diff --live` shows the adoption before anything is written. The commands are
    comments while the manifest lacks fields of the NIMService, because adoption removes these.
    """
    if difference is None:
        return f"# {imported.name}: correct {shlex.quote(file)} first, the operator would reject it\n"
    pods = "restart once" if difference.restarts else "don't restart"
    lines = [f"# {imported.name}: pods {pods} ({difference.restart_reason})"]
    lacks = sum(remark.severity == "error" for remark in imported.remarks)
    if lacks:
        lines.append(
            f"# {shlex.quote(file)} lacks fields of the NIMService ({count_text(lacks, 'error')}): correct it, then"
            " remove the # below"
        )
    lines += [f"# {command}" if lacks else command for command in _commands(imported, shlex.quote(file))]
    return "".join(f"{line}\n" for line in lines)


def _commands(imported: ImportedManifest, file: str) -> Iterator[str]:
    name = shlex.quote(imported.name)
    where = f" -n {shlex.quote(imported.namespace)}" if imported.namespace else ""
    yield f"kubectl annotate nimservice {name}{where} {well_known.ADOPT}=true"
    yield f"runai-nim diff --live{where} -f {file} || test $? -eq 1"
    yield f"kubectl apply{where} -f {file}"
    if imported.manifest["spec"].get("replicas") != 0:  # without replicas it never is Ready
        yield f"kubectl wait runainimservice {name}{where} --for=condition=Ready --timeout=30m"
