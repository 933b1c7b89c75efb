"""`mlops status`: how a stage stands, on one screen."""

from __future__ import annotations

import time

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.client import Where, opened
from cli.runs import MARKS, UNDER_WAY
from cli.steps import duration
from operate.runs import Run
from operate.status import JobStatus, ModelStatus, Status, status

# How many of the active runs are named.
ACTIVE = 5


def show_status(where: Where) -> None:
    """What is deployed, what runs, how each job ended last, which versions are champions."""
    with opened(where) as workspace:
        found = status(workspace.client, workspace.catalog)
    print_status(Console(highlight=False), where.stage, found)


def print_status(console: Console, name: str, found: Status) -> None:
    """As `show_status`, of what was read."""
    code = sorted({one.code for one in found.jobs if one.code})
    console.print(Text.assemble((f"{name} stage", "bold"), f" at {found.host}, seen by {found.who}"))
    runs = f"code {', '.join(code)}" if code else "no code tag"
    schemas = f"catalog {found.catalog}, {len(found.schemas)} schemas"
    console.print(Text(f"{schemas}; {len(found.jobs)} jobs, {runs}; {len(found.models)} models", "dim"))
    console.print(_active(found.active))
    if found.jobs:
        table = _table("job", "last run", "result", "what it decided, why it failed")
        for job in found.jobs:
            table.add_row(*_job(job))
        console.print(table)
    if found.models:
        table = _table("model", "champion")
        for model in found.models:
            table.add_row(model.name, _champion(model))
        console.print(table)


def _table(*columns: str) -> Table:
    table = Table(*columns, box=None, pad_edge=False, header_style="dim")
    table.columns[0].no_wrap = True
    return table


def _active(active: tuple[Run, ...]) -> Text:
    if not active:
        return Text("nothing runs", "dim")
    states = (f"{one.job_name} (run {one.run_id}, {UNDER_WAY.get(one.life_cycle, one.life_cycle)})" for one in active)
    named = ", ".join(one for one, _ in zip(states, range(ACTIVE), strict=False))
    more = f" and {len(active) - ACTIVE} more" if len(active) > ACTIVE else ""
    return Text.assemble(("▸ ", "yellow"), f"{len(active)} active: {named}{more}")


def _job(job: JobStatus) -> tuple[str | Text, ...]:
    run = job.last
    if run is None:
        return job.name, Text("never", "dim"), "", ""
    began = time.strftime("%m-%d %H:%M", time.gmtime(run.started)) if run.started else ""
    took = f", {duration(run.seconds)}" if run.seconds else ""
    mark, colour = ("▸", "yellow") if run.result is None else MARKS.get(run.result, ("✗", "red"))
    state = run.result or UNDER_WAY.get(run.life_cycle, run.life_cycle)
    decided = ", ".join(f"{one.task_key}: {one.outcome}" for one in job.conditions)
    why = "" if run.result in (None, "SUCCESS") else run.reason
    return job.name, f"{run.run_id}, {began}{took}", Text(f"{mark} {state}", colour), Text(why or decided)


def _champion(model: ModelStatus) -> Text:
    if model.unknown:
        return Text(model.unknown, "red")
    return Text(f"version {model.champion}") if model.champion is not None else Text("none yet", "dim")
