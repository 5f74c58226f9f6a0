"""`runai-nim`, also installed as a kubectl plugin: RunaiNimServices looked at offline, by the operator's own code.

It writes nothing into a cluster, and reads one for `diff --live` only. Decisions are `translate`'s, `validate`'s and
`plan`'s: here is reading, showing, and finding the place in a file.
"""

import io
import sys


def main() -> None:
    """The command line's entry point."""
    from runai_nim.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files need not be text
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    app(prog_name="runai-nim")
