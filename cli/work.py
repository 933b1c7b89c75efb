"""`mlops run`, `cancel` and `repair`: what is started is watched to its end."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from cli.client import Opened, Where, opened
from cli.errors import UsageError
from cli.steps import duration
from operate.runs import Run
from operate.watch import Ended, Finished, Queued, Seen, Started, Watch, Wrote

COLOURS = {"SUCCESS": "green", "EXCLUDED": "dim", "DISABLED": "dim", "SKIPPED": "dim"}
# How long a run that a person stopped has to end.
STOP_SECONDS = 15.0


def parsed(parameters: list[str]) -> dict[str, str]:
    """`name=value` arguments."""
    given = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals or not name:
            raise UsageError(f"parameter {parameter!r} is not valid; valid: name=value")
        given[name] = value
    return given


def run_job(where: Where, job: str, parameters: list[str]) -> None:
    """Run a job with its log lines on the screen; exit code 1 when it does not succeed."""
    from operate.work import start

    given, console = parsed(parameters), Console(highlight=False)
    with opened(where) as workspace:
        run_id = start(workspace.client, job, given)
        _follow(console, where, workspace, run_id)


def reported(console: Console, where: Where, job: str) -> None:
    """What a featurization found in the data, as a page, whether it went on or not.

    Only the sandbox's tables are on this machine, and only who deploys it sees all of them.
    """
    from cli.report import data_page, featurized
    from cli.story import shown

    source = None if where.azure or where.principal else featurized(job)
    if source is not None:
        console.print(f"quality report: {shown(data_page(where.stage, source))}")


def approve_data(where: Where, featurization: str, reason: str) -> None:
    """Approve a source's newest quality report, in the name of whom the client signs in as."""
    from operate.work import start

    console = Console(highlight=False)
    with opened(where) as workspace:
        me = workspace.client.current_user.me().user_name or ""
        run_id = start(workspace.client, f"{featurization}_approve", {"approved_by": me, "reason": reason})
        _follow(console, where, workspace, run_id)


def repair(where: Where, run_id: int, tasks: list[str], parameters: list[str]) -> None:
    """Repair a run with its log lines on the screen; exit code 1 when it does not succeed."""
    from operate.work import repair as mend

    given, console = parsed(parameters), Console(highlight=False)
    with opened(where) as workspace:
        before = mend(workspace.client, run_id, tasks, given)
        _follow(console, where, workspace, run_id, before)


def cancel(where: Where, run_id: int) -> None:
    """Cancel a run and wait for its end."""
    with opened(where) as workspace:
        stop(Console(highlight=False), workspace, run_id)


def stop(console: Console, workspace: Opened, run_id: int) -> None:
    """Cancel a run and say how it ended."""
    from operate.work import cancel as ask

    found = ask(workspace.client, run_id, STOP_SECONDS)
    state = found.result or "is asked to stop; it has not ended yet"
    console.print(f"run {run_id} {found.job_name}: {state}")


def _follow(console: Console, where: Where, workspace: Opened, run_id: int, before: Run | None = None) -> None:
    try:
        run = Watch(workspace.client, watching(console), workspace.poll).follow(run_id, before)
    except KeyboardInterrupt:
        if workspace.ours:
            # Its runner is in this process: it ends in order, not with the process.
            stop(console, workspace, run_id)
        else:
            console.print(f"run {run_id} goes on; `mlops cancel {where.stage} {run_id}` stops it")
        raise
    reported(console, where, run.job_name)
    if run.result != "SUCCESS":
        sys.exit(1)


def watching(console: Console) -> Callable[[Seen], None]:
    """Shows what is seen of a run; a task's own text is shown as it is."""

    def watch(seen: Seen) -> None:
        match seen:
            case Queued(run=run):
                said = f"{run.job_name}, run {run.run_id}, is queued: {run.reason}"
                console.print(Text.assemble(("… ", "yellow"), said))
            case Started(run=run, task=task, attempt=attempt):
                again = f" (attempt {attempt.attempt})" if attempt.attempt > 1 else ""
                console.print(Text.assemble(("▸ ", "dim"), f"{run.job_name} {task.task_key}{again}"))
            case Wrote(task=task, line=line):
                console.print(Text.assemble("  ", (task.task_key, "dim"), f" {line}"))
            case Ended(task=task, attempt=attempt):
                result = attempt.result or ""
                began, ended = attempt.started, attempt.ended
                took = duration(ended - began) if began is not None and ended is not None else ""
                over = Text.assemble("  ", (result, COLOURS.get(result, "red")), f" {task.task_key}")
                console.print(over.append(f" {took} {attempt.reason}".rstrip()))
            case Finished(run=run):
                result = run.result or ""
                over = Text.assemble((result, COLOURS.get(result, "red")), f" {run.job_name}, run {run.run_id}")
                console.print(over.append(f", {duration(run.seconds or 0.0)}"))

    return watch
