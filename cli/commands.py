"""The commands that work on this machine: deploy, destroy, doctor."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from cli.errors import UsageError
from cli.house import House
from cli.prerequisites import findings
from cli.stage import Stage
from cli.steps import duration
from cli.story import STAGES
from sandbox.errors import SandboxError
from sandbox.runs import Runs
from sandbox.workspace import workspace_of
from workflows.deliveries import DeliveryError, recognise


def deploy_stage(name: str) -> None:
    """Deploy, then say what a second plan would change."""
    console, stage = Console(highlight=False), Stage(House(), name)
    begun = time.monotonic()
    with console.status(f"deploying {name}") as status:
        stage.deploy(lambda line: status.update(f"deploying {name}  [dim]{line}[/dim]"))
        changes = stage.changes()
    (House().home / "demo").unlink(missing_ok=True)
    console.print(
        f"[green]✓[/green] {name}: {stage.resources()} resources in {duration(time.monotonic() - begun)}; "
        f"a second plan changes {changes}"
    )


def deliver_folder(name: str, folder: Path) -> None:
    """Recognise the folder, then write its files as new versions of curated tables."""
    try:
        source = recognise(folder)
    except DeliveryError as error:
        raise UsageError(str(error)) from error
    workspace_of(House().home, House().out, name)
    console, stage = Console(highlight=False), Stage(House(), name)
    try:
        with console.status(f"delivering {source.name} to {name}"):
            versions = stage.deliver(source, folder)
    finally:
        stage.close()
    tables = f"{len(versions)} table{'s' if len(versions) > 1 else ''} of {source.name}"
    console.print(f"[green]✓[/green] {name}: {source.title}: {tables} delivered")


def destroy_stage(name: str, yes: bool) -> None:
    """Destroy, after asking."""
    console, stage = Console(highlight=False), Stage(House(), name)
    workspace_of(House().home, House().out, name)
    if not yes:
        typer.confirm(f"Destroy every resource of {name} in the sandbox?", abort=True)
    with console.status(f"destroying {name}") as status:
        stage.terraform.destroy(name, lambda line: status.update(f"destroying {name}  [dim]{line}[/dim]"))
    console.print(f"[green]✓[/green] {name}: destroyed; {stage.resources()} resources left")


def examine() -> None:
    """Prerequisites, set-up, and what is deployed."""
    console, house = Console(highlight=False), House()
    table = Table(title="This machine", title_justify="left")
    for column in ("what", "found", "needed"):
        table.add_column(column)
    found = findings()
    for finding in found:
        mark = "[green]✓[/green]" if finding.good else "[red]✗[/red]"
        table.add_row(f"{mark} {finding.tool.name}", finding.found or "none", f"{finding.needed} or later")
    for what, path in {
        "cdktf-cli": house.root / "node_modules/.bin/cdktf",
        "Delta's jars": house.cache / "jars",
    }.items():
        table.add_row(
            f"{'[green]✓[/green]' if path.exists() else '[red]✗[/red]'} {what}",
            "there" if path.exists() else "none",
            "make setup",
        )
    console.print(table)
    console.print(_deployed(house))
    if not all(finding.good for finding in found):
        sys.exit(1)


def _deployed(house: House) -> Table:
    """Stage, resources and runs, as far as there are any."""
    table = Table(title="Deployed in the sandbox", title_justify="left")
    for column in ("stage", "resources", "runs"):
        table.add_column(column)
    for name in STAGES:
        try:
            workspace = workspace_of(house.home, house.out, name)
        except SandboxError:
            table.add_row(name, "none", f"mlops deploy {name}")
        else:
            table.add_row(name, str(len(workspace.store.list())), str(len(Runs(workspace).all())))
    return table
