"""What a person watches: which step runs, for how long, what it found, what is next."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console


@dataclass
class Note:
    """What a step says of itself: `now` while it runs, `found` when it is done."""

    found: str = ""
    now: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class Step:
    """One step of a story: its title and what to do."""

    title: str
    do: Callable[[Note], None]


def duration(seconds: float) -> str:
    """Seconds as a person says them: 8.4 s, 2 min 05 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def walk(console: Console, steps: Sequence[Step]) -> list[tuple[str, float]]:
    """Do the steps in order, showing each; returns (title, seconds). An error leaves its step marked and goes on up."""
    times: list[tuple[str, float]] = []
    begun = time.monotonic()
    width = max(len(step.title) for step in steps)
    for number, step in enumerate(steps, 1):
        following = f"next: {steps[number].title}" if number < len(steps) else "last step"
        head = f"[dim]{number:>2}/{len(steps)}[/dim] {step.title:<{width}}"
        started = time.monotonic()
        with console.status(f"{head}  [dim]{following}[/dim]") as status:
            note = Note(now=lambda text, head=head: status.update(f"{head}  [dim]{text}[/dim]"))  # type: ignore[misc]
            try:
                step.do(note)
            except BaseException:
                console.print(f"[red]✗[/red] {head}  [red]stopped after {duration(time.monotonic() - started)}[/red]")
                raise
        seconds = time.monotonic() - started
        times.append((step.title, seconds))
        so_far = duration(time.monotonic() - begun)
        console.print(
            f"[green]✓[/green] {head} [cyan]{duration(seconds):>8}[/cyan]  {note.found} [dim]({so_far})[/dim]"
        )
    return times
