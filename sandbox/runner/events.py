"""What a runner tells while it runs; for a progress display."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Something happened in a run. job: its name."""

    run_id: int
    job: str


@dataclass(frozen=True)
class RunStarted(Event):
    """A run began. parent_run_id: the run that started it; None when a person did."""

    parent_run_id: int | None
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class RunQueued(Event):
    """A run waits for its turn. reason: for what."""

    reason: str


@dataclass(frozen=True)
class RunFinished(Event):
    """A run is over."""

    result: str
    reason: str
    seconds: float


@dataclass(frozen=True)
class TaskStarted(Event):
    """An attempt of a task began; numbered from 1."""

    task: str
    attempt: int


@dataclass(frozen=True)
class TaskFinished(Event):
    """A task is over, or an attempt of it that will be tried again (``final`` is then False)."""

    task: str
    attempt: int
    result: str
    reason: str
    seconds: float
    final: bool


@dataclass(frozen=True)
class LogWritten(Event):
    """A task wrote a line. stream: `out` or `err`."""

    task: str
    attempt: int
    stream: str
    text: str


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """For a caller who does not look."""
    del event
