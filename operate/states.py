"""States, times and kinds of what the Jobs API tells of runs and tasks, in the words of its older form.

API 2.1 has `state`, 2.2 `status` beside it ("Deprecated. Please use the `status` field instead"): either will do.
"""

from __future__ import annotations

from dataclasses import dataclass

from databricks.sdk.service import jobs

Told = jobs.Run | jobs.BaseRun | jobs.RunTask
# "This state is terminal."
TERMINAL = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
# Codes of `termination_details` that have another name among the results; any other one is a failure.
RESULTS = {
    "SUCCESS": "SUCCESS", "SUCCESS_WITH_FAILURES": "SUCCESS_WITH_FAILURES", "CANCELED": "CANCELED",
    "USER_CANCELED": "CANCELED", "DISABLED": "DISABLED", "SKIPPED": "EXCLUDED",
    "MAX_CONCURRENT_RUNS_EXCEEDED": "MAXIMUM_CONCURRENT_RUNS_REACHED",
}  # fmt: skip
KINDS = (
    "python_wheel_task", "condition_task", "for_each_task", "run_job_task", "notebook_task", "spark_python_task",
    "spark_jar_task", "spark_submit_task", "sql_task", "pipeline_task", "dbt_task",
)  # fmt: skip
# Kinds that write nothing of their own.
SILENT = ("condition_task", "for_each_task", "run_job_task")


@dataclass(frozen=True, kw_only=True)
class State:
    """result: None until it has ended."""

    life_cycle: str
    result: str | None
    reason: str


def state_of(found: Told) -> State:
    """How a run, or an attempt of a task, stands."""
    if found.state is not None and found.state.life_cycle_state is not None:
        old = found.state
        life_cycle = old.life_cycle_state.value if old.life_cycle_state else ""
        result = old.result_state.value if old.result_state else None
        if result is None and life_cycle in TERMINAL:
            # A result that this version of the client does not know.
            result = "FAILED" if life_cycle == "INTERNAL_ERROR" else life_cycle
        return State(life_cycle=life_cycle, result=result, reason=old.state_message or old.queue_reason or "")
    new = found.status
    if new is None or new.state is None:
        return State(life_cycle="PENDING", result=None, reason="")
    why = new.termination_details
    if new.state.value != "TERMINATED":
        queued = new.queue_details.message if new.queue_details else None
        life_cycle = {"WAITING": "WAITING_FOR_RETRY"}.get(new.state.value, new.state.value)
        return State(life_cycle=life_cycle, result=None, reason=queued or "")
    code = why.code.value if why and why.code else "SUCCESS" if why is None else "INTERNAL_ERROR"
    return State(
        life_cycle="TERMINATED",
        result=RESULTS.get(code, "FAILED"),
        reason=(why.message if why and why.message else "") or ("" if code in RESULTS else code),
    )


def time_of(milliseconds: int | None) -> float | None:
    """Seconds since 1970; None for the API's 0, "set to 0 if the job is still running"."""
    return milliseconds / 1000 if milliseconds else None


def seconds_of(found: jobs.Run | jobs.BaseRun) -> float | None:
    """How long a run took with its repairs; None while it is active."""
    if not found.end_time:
        return None
    # "The total duration of a multitask job run is the value of the `run_duration` field", else that of its parts.
    parts = (found.setup_duration or 0) + (found.execution_duration or 0) + (found.cleanup_duration or 0)
    return (found.run_duration or parts or found.end_time - (found.start_time or found.end_time)) / 1000


def kind_of(found: jobs.RunTask) -> str:
    """What a task does: the name of the field that says it."""
    return next((name for name in KINDS if getattr(found, name, None) is not None), "other")
