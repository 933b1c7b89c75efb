"""One attempt of a wheel task: its process, its log, its time limit."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.process import Leashed, environment
from sandbox.runner.log import AttemptLog

# How often a silent task is looked after: its limit, a cancellation, its Spark server.
_LOOK_SECONDS = 0.2
# How long the output of a process that has ended is still read, should something hold it open.
_DRAIN_SECONDS = 2.0
_LINE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Ended:
    """How an attempt ended: result SUCCESS, FAILED, TIMEDOUT or CANCELED, and why.

    state: TERMINATED, or INTERNAL_ERROR where the sandbox itself failed.
    """

    result: str
    reason: str
    state: str = "TERMINATED"


@dataclass
class Limits:
    """What ends an attempt early. deadline: of ``time.monotonic``. lost: why it cannot go on, asked again and again."""

    deadline: float | None
    canceled: threading.Event
    lost: Callable[[], str | None]
    limit_reason: str


@dataclass
class Attempt:
    """A task's process. write: called with each line (stream, text) that the log keeps.

    notes: what the runner itself says first in the log. lease: a descriptor that the process inherits.
    """

    command: Sequence[str]
    variables: Mapping[str, str]
    folder: Path
    log: Path
    write: Callable[[str, str], None]
    notes: Sequence[str] = ()
    lease: int | None = None
    _last_error: str = field(default="", init=False)

    def run(self, limits: Limits) -> Ended:
        """Run to the end or a limit; the process and all it started are gone afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with AttemptLog(self.log, self.write) as log:
            for note in self.notes:
                log.add("out", note)
            process = Leashed(
                self.command,
                env=environment(**self.variables),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.folder,
                keep=() if self.lease is None else (self.lease,),
            )
            try:
                early = self._follow(process, log, limits)
                code = process.kill() if early else process.wait(_DRAIN_SECONDS)
            finally:
                process.kill()
        with contextlib.suppress(OSError):
            self.folder.rmdir()
        if early:
            return early
        if code == 0:
            return Ended("SUCCESS", "")
        lost = limits.lost()
        if lost:
            return Ended("FAILED", lost)
        how = f"killed by signal {code - 128}" if code and code > 128 else f"exit code {code}"
        return Ended("FAILED", self._last_error if self._last_error and code == 1 else f"{how}{self._said()}")

    def _said(self) -> str:
        return f": {self._last_error}" if self._last_error else ""

    def _follow(self, process: Leashed, log: AttemptLog, limits: Limits) -> Ended | None:
        """Write the log until the process ends (None) or has to be ended (why)."""
        drained: float | None = None
        with selectors.DefaultSelector() as selector:
            for name, stream in (("out", process.stdout), ("err", process.stderr)):
                assert stream is not None
                selector.register(stream, selectors.EVENT_READ, _Lines(name))
            while selector.get_map():
                for key, _ in selector.select(_LOOK_SECONDS):
                    chunk = os.read(key.fd, 65536)
                    self._log(log, key.data.name, key.data.feed(chunk))
                    if not chunk:
                        selector.unregister(key.fileobj)
                early = self._early(limits)
                if early:
                    return early
                if process.poll() is not None:
                    drained = drained or time.monotonic() + _DRAIN_SECONDS
                    if time.monotonic() > drained:
                        return None
            while process.wait(_LOOK_SECONDS) is None:
                early = self._early(limits)
                if early:
                    return early
        return None

    def _early(self, limits: Limits) -> Ended | None:
        if limits.deadline is not None and time.monotonic() > limits.deadline:
            return Ended("TIMEDOUT", limits.limit_reason)
        if limits.canceled.is_set():
            return Ended("CANCELED", "the run was canceled")
        lost = limits.lost()
        return Ended("FAILED", lost) if lost else None

    def _log(self, log: AttemptLog, stream: str, lines: list[str]) -> None:
        for line in lines:
            log.add(stream, line)
            if stream == "err" and line.strip():
                self._last_error = line.strip()
        if lines:
            log.flush()


class _Lines:
    """Cuts a stream of bytes into lines; one without an end is cut where it gets too long."""

    def __init__(self, name: str) -> None:
        self.name, self._rest = name, b""

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that ``chunk`` completes; an empty chunk is the end and gives the rest."""
        *whole, self._rest = (self._rest + chunk).split(b"\n") if chunk else [self._rest, b""]
        if len(self._rest) > _LINE_BYTES:
            whole, self._rest = [*whole, self._rest], b""
        # A carriage return within a line is a progress bar's: one line all the same.
        return [line.decode(errors="replace").rstrip("\r").replace("\r", " ") for line in whole if chunk or line]


def task_command(folder: Path, package: str, entry_point: str, arguments: Sequence[str]) -> list[str]:
    """The command of a task's process (`sandbox/task.py`)."""
    program = Path(__file__).parent.parent / "task.py"
    return [sys.executable, "-P", str(program), str(folder), package, entry_point, *arguments]
