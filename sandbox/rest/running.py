"""Runs that clients start: the job runner in threads of the door, one set of servers for all."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection
from typing import Any

from sandbox import runner
from sandbox.errors import SandboxError, ServiceError
from sandbox.rest.asking import invalid
from sandbox.runner.run import TaskServices
from sandbox.workspace import Workspace


class Running:
    """Starts, cancels and repairs runs; a run goes on until the door's process ends."""

    def __init__(self, workspace: Workspace, services: TaskServices) -> None:
        self._workspace, self.services = workspace, services
        self._by_token: dict[str, int] = {}
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self, job: str, parameters: dict[str, str], token: str = "") -> int:
        """Start a run and give its id; the run that ``token`` already started, when it did."""
        with self._lock:
            if token and token in self._by_token:
                return self._by_token[token]
            run_id = self._begin(lambda tell: runner.run_job(self._workspace, self.services, job, parameters, tell))
            if token:
                self._by_token[token] = run_id
            return run_id

    def cancel(self, run_id: int) -> None:
        """Ask for the end of a run."""
        runner.cancel_run(self._workspace, run_id)

    def repair(self, run_id: int, tasks: Collection[str], parameters: dict[str, str]) -> None:
        """Run again what failed, or ``tasks``, and what follows."""
        self._begin(lambda tell: runner.repair_run(self._workspace, self.services, run_id, tasks, parameters, tell))

    def wait(self, seconds: float) -> None:
        """Until every run that was started here is over, at most so long each."""
        for thread in self._threads:
            thread.join(seconds)

    def _begin(self, work: Callable[[runner.OnEvent], Any]) -> int:
        """Run ``work`` in a thread; the id of its run, as soon as it has one."""
        first: queue.Queue[int | BaseException] = queue.Queue()

        def body() -> None:
            try:
                work(lambda event: first.put(event.run_id))
            except BaseException as error:
                first.put(error)

        thread = threading.Thread(target=body, name="rest-run", daemon=True)
        self._threads.append(thread)
        thread.start()
        told = first.get()
        if isinstance(told, ServiceError):
            raise told
        if isinstance(told, SandboxError):
            raise invalid(str(told)) from None
        if isinstance(told, BaseException):
            raise told
        return told
