"""Commands that end with this process, whatever ends it, and leave no mount and no process.

Each runs in namespaces of its own for mounts and processes, which the kernel takes away with it. Linux and root.
"""

import os
import re
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL = 20
"""Lines of a failed command's output that are shown."""
NAMESPACED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"),
)
PACKAGES = {"setpriv": "util-linux", "unshare": "util-linux"}
"""Program → Debian package that has it."""


class CommandError(Exception):
    """A command failed; the message has its last words."""


def run_logged(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None, show: str = "^$"
) -> None:
    """Run a command, its output to a log, and print the lines in which `show` is found. Raises CommandError.

    environment: added to that of this process. show: a regular expression; the text of its last group is printed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    last: deque[str] = deque(maxlen=TAIL)
    with log.open("w", encoding="utf-8") as written, start(command, environment) as process:
        for line in process.stdout or ():
            written.write(line)
            last.append(line.rstrip())
            if shown := re.search(show, line):
                print(f"  {shown[shown.lastindex or 0].strip()}", flush=True)
    if process.returncode:
        said = "\n".join(last)
        raise CommandError(f"{command[0]} ended with {process.returncode}; the end of {log}:\n{said}")


def start(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """Start a command; its output and its complaints come as one text."""
    return subprocess.Popen(
        [*NAMESPACED, *map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | dict(environment or {}),
    )


def output_of(command: Sequence[str | Path], environment: Mapping[str, str] | None = None, seconds: float = 60) -> str:
    """What a command prints. Raises CommandError, also where it takes longer."""
    with start(command, environment) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise CommandError(f"{command[0]} took more than {seconds:g} s") from error
    if process.returncode:
        raise CommandError(f"{command[0]} ended with {process.returncode}: {output.strip()}")
    return output
