"""What a person watches: which step runs, for how long, what it found, what is next."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from rich.console import Console
from rich.padding import Padding
from rich.text import Text


@dataclass
class Note:
    """What a step says of itself: `now` while it runs, `found` when it is done, `by` whom it was approved (or "")."""

    found: str = ""
    by: str = ""
    now: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class Step:
    """One step of a story: what to do, called what, in which stage ("" = in none)."""

    did: str
    do: Callable[[Note], None]
    stage: str = ""

    @property
    def title(self) -> str:
        """`dev: featurize`."""
        return f"{self.stage}: {self.did}" if self.stage else self.did


@dataclass(frozen=True)
class Done:
    """A step that is over."""

    step: Step
    seconds: float
    note: Note


class Ahead:
    """A step that runs in the background, before a person comes to it."""

    def __init__(self, pool: ThreadPoolExecutor, act: Callable[[Note], None]) -> None:
        self._now: Callable[[str], None] = lambda _: None
        self._note = Note(now=lambda text: self._now(text))
        self._end = pool.submit(act, self._note)

    def wait(self, note: Note) -> None:
        """Until its end; `note` then says what it found, or its error is raised."""
        self._now = note.now
        self._end.result()
        note.found = self._note.found


def duration(seconds: float) -> str:
    """Seconds as a person says them: 8.4 s, 2 min 05 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def walk(console: Console, steps: Sequence[Step], done: list[Done]) -> None:
    """Do the steps in order, showing each and adding it to `done`; an error leaves its step marked and goes on up."""
    width = max(len(step.title) for step in steps)
    for number, step in enumerate(steps, 1):
        following = f"next: {steps[number].title}" if number < len(steps) else "last step"
        head = f"{number:>2}/{len(steps)} {step.title:<{width}}"
        started = time.monotonic()
        with console.status(f"{head}  [dim]{following}[/dim]") as status:
            # mypy cannot tell the type of a lambda whose default binds the loop's value.
            note = Note(now=lambda text, head=head: status.update(f"{head}  [dim]{text}[/dim]"))  # type: ignore[misc]
            try:
                step.do(note)
            except BaseException:
                console.print(f"[red]✗[/red] {head}  [red]stopped after {duration(time.monotonic() - started)}[/red]")
                raise
        seconds = time.monotonic() - started
        done.append(Done(step, seconds, note))
        found = f"{note.found} (approved by {note.by})" if note.by else note.found
        console.print(*_lines(console, f"{head} {duration(seconds):>12}", found))


def _lines(console: Console, head: str, found: str) -> list[Text | Padding]:
    """A finished step: on one line where that fits, else what it found on lines of its own below."""
    first = Text.assemble(("✓ ", "green"), head)
    if len(first.plain) + 2 + len(found) <= console.width:
        return [first.append(f"  {found}", "dim")]
    return [first, Padding(Text(found, "dim"), (0, 0, 0, 8))]
