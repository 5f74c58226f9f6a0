"""The guide's pictures of `runai-nim`: SVGs of what the command's own code writes to a terminal."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from runai_nim.cli import terminal
from runai_nim.cli.app import app
from runai_nim.cli.cluster.list_services import ListQuery, write_list
from runai_nim.cli.cluster.service_row import ServiceRow
from runai_nim.cli.cluster.status_view import status_lines
from runai_nim.cli.doctor import parts_of
from runai_nim.cli.doctor.checks import check_cluster
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.observed.resource_tree import tree_of
from scripts.picture_objects import NOW, a_cluster, its_events, its_objects, some_services, waiting_service

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = "docs/guide/pictures"
WIDTH: Final = 120
"""Columns of the terminal."""
# That of rich names a font on the web.
_FORMAT: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class _Screen(io.StringIO):
    """A terminal, so that the command writes colours."""

    def isatty(self) -> bool:
        return True


@contextmanager
def _screen() -> Iterator[_Screen]:
    """What is written in the checkout, by code that finds nothing but a terminal in its environment."""
    screen, environment = _Screen(), dict(os.environ)
    os.environ.clear()
    os.environ["TERM"] = "xterm-256color"
    try:
        with chdir(ROOT), redirect_stdout(screen), redirect_stderr(screen):
            yield screen
    finally:
        os.environ.clear()
        os.environ.update(environment)


def _run(command: str) -> None:
    app(command.split()[1:], prog_name="runai-nim", standalone_mode=False)


def _list(command: str) -> None:
    rows = (ServiceRow.from_object(one) for one in some_services(datetime.now(UTC)))
    write_list(sorted(rows, key=lambda row: row.sort_key), ListQuery())


def _status(command: str) -> None:
    created = NOW - timedelta(minutes=5)
    service = waiting_service(created)
    tree = tree_of(service, its_objects(created))
    for line in status_lines(service, tree, its_events(created), problem="", now=NOW):
        terminal.write_parts([(line, "")])


def _doctor(command: str) -> None:
    ingress = {"external_mode": "ingress", "external_ingress_class": "haproxy", "external_domain": "models.example.com"}
    settings = load_settings(ingress, {})
    for check in check_cluster(a_cluster(settings), settings, NOW):
        terminal.write_parts(parts_of(check))


_PICTURES: Final[dict[str, tuple[str, Callable[[str], None]]]] = {
    "list": ("runai-nim list", _list),
    "status": ("runai-nim status llama-8b -n runai-search", _status),
    "doctor": ("runai-nim doctor --settings settings.yaml", _doctor),
    "validate": ("runai-nim validate -f deploy/samples", _run),
    "policy-check": (
        "runai-nim policy check -f deploy/samples/policies/half-a-gpu.yaml deploy/samples/autoscaling.yaml",
        _run,
    ),
}
"""The command of each picture, and what writes its output."""


def picture_text(name: str) -> str:
    """Return the picture of a command and its output as SVG."""
    command, write = _PICTURES[name]
    with _screen() as screen:
        write(command)
        # In that environment, too: rich reads NO_COLOR.
        console = Console(record=True, width=WIDTH, file=_Screen(), color_system="truecolor", highlight=False)
        console.print(Text(f"$ {command}", style="bold"))
        for line in screen.getvalue().splitlines():
            console.print(Text.from_ansi(line))
        return console.export_svg(title="", code_format=_FORMAT, unique_id=name)


PICTURES: Final[dict[str, Callable[[], str]]] = {
    f"{FOLDER}/{name}.svg": partial(picture_text, name) for name in _PICTURES
}

if __name__ == "__main__":
    sys.stdout.write(picture_text(sys.argv[1]))
