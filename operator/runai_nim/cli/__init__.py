"""`runai-nim`, also a kubectl plugin: runs the operator's code on manifests.

It reads a cluster only for `diff --live`, `import --live`, `doctor` and the commands in `cluster`, and changes one only
by those in `cluster.change_commands`. This package reads input, locates findings in files and prints results;
`translate`, `validate` and `plan` make the decisions.
"""

import sys


def main() -> None:
    """Entry point of the command line. If its output can't be written, it exits with one line on stderr and code 2."""
    from runai_nim.cli.app import app
    from runai_nim.cli.diagnostic import EXIT_FAILURE
    from runai_nim.cli.output import OutputError, open_streams, report_failure

    try:
        open_streams()
        try:
            app(prog_name="runai-nim")
        finally:
            sys.stdout.flush()
    except OutputError as error:
        report_failure(error)
        sys.exit(EXIT_FAILURE)
