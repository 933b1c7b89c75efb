"""Reads a job from the shape that terraform's attributes have in the workspace store."""

from __future__ import annotations

from typing import Any

from sandbox.errors import SandboxError
from sandbox.runner.conditions import OPERATORS
from sandbox.runner.fields import Fields
from sandbox.runner.job import Compute, Dependency, Job, Task, Trigger
from sandbox.runner.notices import EVENTS, SETTINGS, Notices

RUN_IF = ("ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED")
KINDS = ("python_wheel_task", "condition_task", "run_job_task", "for_each_task")
# "Controls the number of active iteration task runs. [...] maximum allowed is 100."
MOST_AT_ONCE = 100
TRIGGERS = ("periodic", "file_arrival", "table_update")


def read_job(body: dict[str, Any]) -> Job:
    """The job in a stored body; ``SandboxError`` names job, task, field, value and the valid ones."""
    name = Fields("job", body).text("name")
    job = Fields(f"job '{name}'", body)
    principal = job.block("run_as")
    clusters = {one.text("job_cluster_key"): _compute(one.block("new_cluster")) for one in job.blocks("job_cluster")}
    tasks = [_task(name, one, clusters) for one in job.blocks("task")]
    if not tasks:
        raise SandboxError(f"job '{name}' has no task")
    return Job(
        id=job.text("id", ""),
        name=name,
        run_as=principal.text("service_principal_name", "") or principal.text("user_name", ""),
        parameters={one.text("name"): one.text("default", "") for one in job.blocks("parameter")},
        timeout=float(job.number("timeout_seconds")),
        at_once=job.number("max_concurrent_runs", 1, low=1, high=1000),
        queue=job.block("queue").flag("enabled"),
        notices=_notices(job),
        warn_after=_warn_after(job),
        trigger=_trigger(job),
        tasks=_ordered(name, tasks),
    )


def _task(job: str, found: Fields, clusters: dict[str, Compute]) -> Task:
    key = found.text("task_key")
    task = Fields(f"job '{job}', task '{key}'", found.body)
    kinds = [kind for kind in KINDS if task.blocks(kind)]
    if len(kinds) != 1:
        present = sorted(name for name, value in task.body.items() if name.endswith("_task") and value)
        raise SandboxError(f"{task.where}: {present or 'no action'} cannot run here; valid: one of {', '.join(KINDS)}")
    kind, action = kinds[0], task.block(kinds[0])
    _check_action(kind, action)
    cluster_key = task.text("job_cluster_key", "")
    if cluster_key and cluster_key not in clusters:
        raise task.wrong("job_cluster_key", ", ".join(sorted(clusters)) or "none")
    libraries = task.blocks("library")
    return Task(
        key=key,
        kind=kind,
        action=action.body,
        depends_on=tuple(_dependency(one) for one in task.blocks("depends_on")),
        run_if=task.choice("run_if", RUN_IF, "ALL_SUCCESS"),
        max_retries=task.number("max_retries", low=-1),
        retry_wait=task.number("min_retry_interval_millis") / 1000,
        retry_on_timeout=task.flag("retry_on_timeout"),
        timeout=float(task.number("timeout_seconds")),
        wheel=next((one.text("whl") for one in libraries if one.text("whl", "")), ""),
        requirements=next((one.text("requirements") for one in libraries if one.text("requirements", "")), ""),
        compute=clusters.get(cluster_key, Compute()),
        notices=_notices(task),
        warn_after=_warn_after(task),
        disabled=task.flag("disabled"),
        nested=_nested(job, action, clusters) if kind == "for_each_task" else None,
    )


def _check_action(kind: str, action: Fields) -> None:
    """What every action of this kind needs."""
    if kind == "condition_task":
        action.choice("op", OPERATORS)
        for side in ("left", "right"):
            action.text(side, "")
    elif kind == "run_job_task":
        action.text("job_id")
        action.texts("job_parameters")
    elif kind == "python_wheel_task":
        action.text("package_name")
        action.text("entry_point")
        action.texts("named_parameters")
        action.items("parameters")
    else:
        action.text("inputs")
        action.number("concurrency", 1, low=1, high=MOST_AT_ONCE)


def _nested(job: str, action: Fields, clusters: dict[str, Compute]) -> Task:
    # "You cannot add another For each task as the nested task."
    task = _task(job, action.block("task"), clusters)
    if task.kind == "for_each_task":
        raise SandboxError(f"job '{job}', task '{task.key}': for_each_task is not valid as the nested task")
    return task


def _dependency(found: Fields) -> Dependency:
    outcome = found.text("outcome", "")
    if outcome not in ("", "true", "false"):
        raise found.wrong("outcome", "true, false")
    return Dependency(found.text("task_key"), outcome or None)


def _compute(cluster: Fields) -> Compute:
    return Compute(cluster.texts("spark_env_vars"), cluster.texts("spark_conf"))


def _notices(found: Fields) -> Notices:
    email, webhook, settings = (
        found.block(name) for name in ("email_notifications", "webhook_notifications", "notification_settings")
    )
    recipients = {}
    for event in EVENTS:
        told = [("email", one) for one in email.items(event)]
        told += [("webhook", one.text("id")) for one in webhook.blocks(event)]
        if told:
            recipients[event] = tuple(told)
    chosen = {name for name in SETTINGS if settings.flag(name)}
    # "This field is deprecated. Please use the notification_settings.no_alert_for_skipped_runs field."
    if email.flag("no_alert_for_skipped_runs"):
        chosen.add("no_alert_for_skipped_runs")
    return Notices(recipients, frozenset(chosen))


def _warn_after(found: Fields) -> float | None:
    """Seconds of the rule on the duration; a rule on a metric that is not measured here is refused."""
    limits = []
    for rule in found.block("health").blocks("rules"):
        rule.choice("metric", ("RUN_DURATION_SECONDS",))
        rule.choice("op", ("GREATER_THAN",))
        limits.append(float(rule.number("value")))
    return min(limits, default=None)


def _trigger(job: Fields) -> Trigger | None:
    found: list[Trigger] = []
    for schedule in job.blocks("schedule"):
        settings = {
            "expression": schedule.text("quartz_cron_expression"),
            "timezone": schedule.text("timezone_id", "UTC"),
        }
        found.append(Trigger("schedule", settings, _paused(schedule)))
    for trigger in job.blocks("trigger"):
        paused = _paused(trigger)
        found += [
            Trigger(kind, _trigger_settings(kind, one), paused) for kind in TRIGGERS for one in trigger.blocks(kind)
        ]
    if len(found) > 1:
        kinds = ", ".join(one.kind for one in found)
        raise SandboxError(f"{job.where}: {kinds} exclude each other; valid: one of them")
    return found[0] if found else None


def _trigger_settings(kind: str, found: Fields) -> dict[str, Any]:
    if kind == "periodic":
        unit = found.choice("unit", ("HOURS", "DAYS", "WEEKS"))
        return {"interval": found.number("interval", 1, low=1), "unit": unit}
    # "The minimum allowed value is 60 seconds": for both waits of both kinds; 0 stands for none.
    waits = {
        name: found.number(name) for name in ("min_time_between_triggers_seconds", "wait_after_last_change_seconds")
    }
    for name, seconds in waits.items():
        if 0 < seconds < 60:
            raise found.wrong(name, "a whole number from 60")
    if kind == "file_arrival":
        url = found.text("url")
        if not (url.startswith("/Volumes/") and url.endswith("/")):
            raise found.wrong("url", "/Volumes/<catalog>/<schema>/<volume>/[<folder>/] with a slash at the end")
        return {"url": url, **waits}
    tables = found.items("table_names")
    for table in tables:
        if table.count(".") != 2:
            raise found.wrong("table_names", "<catalog>.<schema>.<table>")
    if not tables:
        raise SandboxError(f"{found.where}: table_names is missing")
    condition = found.choice("condition", ("ANY_UPDATED", "ALL_UPDATED"), "ANY_UPDATED")
    return {"tables": tables, "condition": condition, **waits}


def _paused(found: Fields) -> bool:
    return found.choice("pause_status", ("PAUSED", "UNPAUSED"), "UNPAUSED") == "PAUSED"


def _ordered(job: str, tasks: list[Task]) -> tuple[Task, ...]:
    by_key = {task.key: task for task in tasks}
    if len(by_key) < len(tasks):
        twice = next(task.key for task in tasks if [one.key for one in tasks].count(task.key) > 1)
        raise SandboxError(f"job '{job}': task_key = '{twice}' is there more than once")
    for task in tasks:
        for dependency in task.depends_on:
            if dependency.task_key not in by_key:
                valid = ", ".join(by_key)
                raise SandboxError(
                    f"job '{job}', task '{task.key}': depends_on = '{dependency.task_key}' is not valid; valid: {valid}"
                )
    ordered: list[Task] = []
    while len(ordered) < len(tasks):
        done = {task.key for task in ordered}
        ready = [task for task in tasks if task.key not in done and {one.task_key for one in task.depends_on} <= done]
        if not ready:
            circle = ", ".join(sorted(set(by_key) - done))
            raise SandboxError(f"job '{job}': tasks depend on each other in a circle: {circle}")
        ordered.extend(ready)
    return tuple(ordered)
