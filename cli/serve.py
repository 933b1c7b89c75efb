"""`mlops serve`: the workspace's REST door, with a token for every principal and for invented people of the roles."""

from __future__ import annotations

import signal
import threading

from rich.console import Console
from rich.table import Table

from cli.house import House
from cli.people import people
from sandbox.rest.announced import announced
from sandbox.rest.server import serving
from sandbox.workspace import Workspace, workspace_of


def serve_stage(name: str, port: int) -> None:
    """Serve a deployed stage until the person stops it."""
    house = House()
    serve_workspace(name, workspace_of(house.home, house.out, name), port)


def serve_workspace(name: str, workspace: Workspace, port: int) -> None:
    """Say where it answers and for whom, then serve; ``name``: of the stage."""
    console, end = Console(highlight=False, soft_wrap=True), _asked_to_end()
    with serving(workspace, House().cache, people(workspace), port=port) as served:
        table = Table("principal", "kind", "groups")
        for one in served.tokens.all():
            table.add_row(one.label, one.kind, ", ".join(one.groups))
        console.print(f"[green]✓[/green] {name}: {workspace.name} answers at {served.host}")
        console.print(table)
        console.print(f"their tokens: {served.tokens.path} (only you may read it)\nCtrl-C ends it")
        with announced(workspace, served.host):
            served.wait(end)


def _asked_to_end() -> threading.Event:
    """Set by Ctrl-C or SIGTERM, also where the shell that started us had it ignored (a job in the background)."""
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    return end
