"""`mlops logs`: what the tasks of a run wrote."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from cli.client import Where, opened
from operate.logs import Log, logs


def show_logs(where: Where, run_id: int, task_key: str = "", attempt: int = 0) -> None:
    """The log of a run, of one task or of one attempt (0: all), each attempt under a line that says how it ended."""
    # Long lines are the task's own: a terminal wraps them, a pipe gets them whole.
    console = Console(highlight=False, soft_wrap=True)
    with opened(where) as workspace:
        print_logs(console, logs(workspace.client, run_id, task_key, attempt))


def print_logs(console: Console, found: Iterable[Log]) -> None:
    """As `show_logs`, of logs that were read."""
    for log in found:
        one, total = log.attempt, len(log.task.attempts)
        state = one.result or one.life_cycle.lower()
        again = f", attempt {one.attempt} of {total}" if total > 1 else ""
        reason = f": {one.reason}" if one.reason else ""
        colour = "green" if one.result == "SUCCESS" else "yellow" if one.result is None else "red"
        console.print(Text.assemble((f"{log.task.task_key}{again}", "bold"), "  ", (state, colour), reason))
        if log.cut:
            console.print(Text("  ... its beginning is longer than the API gives; the run's page has it ...", "dim"))
        for line in log.lines:
            console.print(Text(f"  {line}"))
        if log.missing:
            console.print(Text(f"  no log: {log.missing}", "dim"))
