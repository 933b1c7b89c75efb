"""The job runner: executes deployed jobs of a local workspace. See ``run_job``."""

from __future__ import annotations

from sandbox.runner.events import Event, LogWritten, OnEvent, RunFinished, RunStarted, TaskFinished, TaskStarted
from sandbox.runner.job import Job, deployed_jobs
from sandbox.runner.run import run_job
from sandbox.runner.schedule import RunResult, TaskEnd

__all__ = [
    "Event",
    "Job",
    "LogWritten",
    "OnEvent",
    "RunFinished",
    "RunResult",
    "RunStarted",
    "TaskEnd",
    "TaskFinished",
    "TaskStarted",
    "deployed_jobs",
    "run_job",
]
