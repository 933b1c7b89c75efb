"""The job runner: executes deployed jobs of a local workspace. See ``run_job``, ``repair_run``, ``cancel_run``."""

from __future__ import annotations

from sandbox.runner.deployed import deployed_jobs
from sandbox.runner.events import (
    Event,
    LogWritten,
    OnEvent,
    RunFinished,
    RunQueued,
    RunStarted,
    TaskFinished,
    TaskStarted,
)
from sandbox.runner.job import Job
from sandbox.runner.outcomes import RunResult, TaskEnd
from sandbox.runner.run import cancel_run, repair_run, run_job

__all__ = [
    "Event",
    "Job",
    "LogWritten",
    "OnEvent",
    "RunFinished",
    "RunQueued",
    "RunResult",
    "RunStarted",
    "TaskEnd",
    "TaskFinished",
    "TaskStarted",
    "cancel_run",
    "deployed_jobs",
    "repair_run",
    "run_job",
]
