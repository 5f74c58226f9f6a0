"""`runai-nim`, also installed as a kubectl plugin: RunaiNimServices looked at offline, by the operator's own code.

It writes nothing into a cluster, and reads one for `diff --live` only. Decisions are `translate`'s, `validate`'s and
`plan`'s: here is reading, showing, and finding the place in a file.
"""

import sys


def main() -> None:
    """The command line's entry point. Where its output can't be written, it ends with a line on stderr and code 2."""
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
