"""Rules about jobs and the clusters they start."""

from __future__ import annotations

import json
from collections.abc import Iterable

from infra.lint.rule import Body, Found, Stack, listed

JOB = "databricks_job"
MAIL = ("on_duration_warning_threshold_exceeded", "on_failure", "on_start", "on_success")
# Blocks of a cluster that a policy addresses with dots.
DOTTED = ("autoscale", "azure_attributes", "custom_tags", "spark_conf", "spark_env_vars")


def tasks(job: Body) -> list[Body]:
    """A job's tasks, those inside a for_each too."""
    found = listed(job.get("task"))
    loops = [loop for task in found for loop in listed(task.get("for_each_task"))]
    return found + [inner for loop in loops for inner in listed(loop.get("task"))]


def in_key_order(stack: Stack) -> Iterable[Found]:
    """The provider reads tasks and dependencies back in the order of their keys."""
    for address, job in stack.all(JOB):
        keys = [task["task_key"] for task in listed(job.get("task"))]
        if keys != sorted(keys):
            yield Found(address, "task", keys, f"in the order of their keys: {', '.join(sorted(keys))}")
        for task in tasks(job):
            after = [one["task_key"] for one in listed(task.get("depends_on"))]
            if after != sorted(after):
                yield Found(address, f"{task['task_key']}.depends_on", after, f"in order: {', '.join(sorted(after))}")


def recipients_in_order(stack: Stack) -> Iterable[Found]:
    """Addresses and destinations are compared as lists."""
    for address, job in stack.all(JOB):
        for owner in (job, *tasks(job)):
            for block in (*listed(owner.get("email_notifications")), *listed(owner.get("webhook_notifications"))):
                for event in MAIL:
                    some = [one if isinstance(one, str) else one.get("id", "") for one in listed(block.get(event))]
                    if some != sorted(set(some)):
                        yield Found(address, event, some, f"each once, in order: {', '.join(sorted(set(some)))}")


def nothing_ignored(stack: Stack) -> Iterable[Found]:
    """`ignore_changes` on a job hides the change that matters with the noise."""
    for address, job in stack.all(JOB):
        if ignored := job.get("lifecycle", {}).get("ignore_changes"):
            yield Found(address, "lifecycle.ignore_changes", ignored, "nothing: put right what makes the noise")


def clusters(stack: Stack) -> Iterable[tuple[str, Body]]:
    """(address, definition) of each cluster: of jobs, and on its own."""
    for address, job in stack.all(JOB):
        for one in listed(job.get("job_cluster")):
            yield from ((address, cluster) for cluster in listed(one.get("new_cluster")))
        for task in tasks(job):
            yield from ((address, cluster) for cluster in listed(task.get("new_cluster")))
    yield from stack.all("databricks_cluster")


def policy_restated(stack: Stack) -> Iterable[Found]:
    """A value that only the policy supplies is wanted anew by every plan."""
    for address, cluster in clusters(stack):
        if cluster.get("apply_policy_default_values"):
            yield Found(address, "apply_policy_default_values", True, "false; state the values")
        policy = stack.at(cluster.get("policy_id"))
        if policy is None:
            continue
        for key, rule in sorted(json.loads(policy[1]["definition"]).items()):
            supplies = rule.get("type") == "fixed" or "defaultValue" in rule
            group, _, inner = key.partition(".")
            if group in DOTTED and inner:
                held = listed(cluster.get(group))
                stated = bool(held) and inner in held[0]
            else:
                stated = key in cluster or key in ("cluster_type", "init_scripts")
            if supplies and not stated and not rule.get("hidden"):
                wanted = rule.get("value", rule.get("defaultValue"))
                yield Found(address, key, None, f"{wanted!r}, as {policy[0]} says; state it")


def runs_as_a_service_principal(stack: Stack) -> Iterable[Found]:
    """`run_as` is computed: taking it out is no difference, and the job goes on as its creator."""
    for address, job in stack.all(JOB):
        held = listed(job.get("run_as"))
        if not held or not held[0].get("service_principal_name"):
            yield Found(address, "run_as", held[0] if held else None, "service_principal_name of a service principal")


def code_from_a_volume(stack: Stack) -> Iterable[Found]:
    """Service principals have no credentials of their own for a repository of Azure DevOps."""
    for address, job in stack.all(JOB):
        if job.get("git_source"):
            yield Found(address, "git_source", job["git_source"], "a wheel on the artifact volume")
