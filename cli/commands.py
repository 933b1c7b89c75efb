"""The commands but for the demo: each finds its stage, does one thing, and shows it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.errors import UsageError
from cli.house import House
from cli.prerequisites import findings
from cli.stage import Stage
from cli.steps import duration
from cli.story import STAGES
from sandbox.errors import SandboxError
from sandbox.runner import (
    Event,
    LogWritten,
    OnEvent,
    RunFinished,
    RunQueued,
    TaskFinished,
    TaskStarted,
    cancel_run,
    repair_run,
)
from sandbox.runner import run_job as execute
from sandbox.runs import Runs
from sandbox.workspace import Workspace, workspace_of
from workflows.deliveries import DeliveryError, recognise

COLOURS = {"SUCCESS": "green", "EXCLUDED": "dim", "DISABLED": "dim", "SKIPPED": "dim"}


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
    console.print(f"[green]✓[/green] {name}: {source.title}: {len(versions)} tables of {source.name} delivered")


def destroy_stage(name: str, yes: bool) -> None:
    """Destroy, after asking."""
    console, stage = Console(highlight=False), Stage(House(), name)
    workspace_of(House().home, House().out, name)
    if not yes:
        typer.confirm(f"Destroy every resource of {name} in the sandbox?", abort=True)
    with console.status(f"destroying {name}") as status:
        stage.terraform.destroy(name, lambda line: status.update(f"destroying {name}  [dim]{line}[/dim]"))
    console.print(f"[green]✓[/green] {name}: destroyed; {stage.resources()} resources left")


def parsed(parameters: list[str]) -> dict[str, str]:
    """`name=value` arguments."""
    given = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals or not name:
            raise UsageError(f"parameter {parameter!r} is not valid; valid: name=value")
        given[name] = value
    return given


def run_job(name: str, job: str, parameters: list[str]) -> None:
    """Run a job with its log lines on the screen; exit code 1 when it does not succeed."""
    given = parsed(parameters)
    workspace = workspace_of(House().home, House().out, name)
    stage = Stage(House(), name)
    try:
        result = execute(workspace, stage.services, job, given, watching(Console(highlight=False)))
    finally:
        stage.close()
    if result.result != "SUCCESS":
        sys.exit(1)


def repair(name: str, run: int, tasks: list[str], parameters: list[str]) -> None:
    """Repair a run with its log lines on the screen; exit code 1 when it does not succeed."""
    given = parsed(parameters)
    workspace = workspace_of(House().home, House().out, name)
    Runs(workspace).run(run)
    stage = Stage(House(), name)
    try:
        result = repair_run(workspace, stage.services, run, tasks, given, watching(Console(highlight=False)))
    finally:
        stage.close()
    if result.result != "SUCCESS":
        sys.exit(1)


def cancel(name: str, run: int, seconds: float = 15.0) -> None:
    """Cancel a run and wait for its end."""
    stop(Console(highlight=False), workspace_of(House().home, House().out, name), run, seconds)


def stop(console: Console, workspace: Workspace, run: int, seconds: float) -> None:
    """Cancel a run of a workspace and say how it ended within so many seconds."""
    cancel_run(workspace, run)
    runs, until = Runs(workspace), time.monotonic() + seconds
    while runs.run(run).active and time.monotonic() < until:
        time.sleep(0.1)
    found = runs.run(run)
    state = found.result or "is asked to stop; it has not ended yet"
    console.print(f"run {run} {found.job_name}: {state}")


def watching(console: Console) -> OnEvent:
    """Shows what a runner tells; a task's own text is shown as it is."""

    def watch(event: Event) -> None:
        if isinstance(event, RunQueued):
            console.print(
                Text.assemble(("… ", "yellow"), f"{event.job}, run {event.run_id}, is queued: {event.reason}")
            )
        elif isinstance(event, TaskStarted):
            again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
            console.print(Text.assemble(("▸ ", "dim"), f"{event.job} {event.task}{again}"))
        elif isinstance(event, LogWritten):
            console.print(Text.assemble("  ", (event.task, "dim"), f" {event.text}"))
        elif isinstance(event, TaskFinished):
            ended = Text.assemble("  ", (event.result, COLOURS.get(event.result, "red")), f" {event.task}")
            console.print(ended.append(f" {duration(event.seconds)} {event.reason}".rstrip()))
        elif isinstance(event, RunFinished):
            ended = Text.assemble((event.result, COLOURS.get(event.result, "red")), f" {event.job}, run {event.run_id}")
            console.print(ended.append(f", {duration(event.seconds)}"))

    return watch


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
