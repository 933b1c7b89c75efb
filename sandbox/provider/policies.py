"""What a cluster policy does to a job's clusters when the job is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sandbox.provider.values import UNKNOWN, Object


def clusters_of(job: Object) -> Iterator[Object]:
    """Every cluster that a job describes: its own, its shared ones and those of its tasks."""
    for holder in (job, *(job["job_cluster"] or []), *tasks_of(job)):
        yield from holder.get("new_cluster") or []


def tasks_of(job: Object) -> Iterator[Object]:
    """Every task, those inside for_each_task too."""
    for task in job["task"] or []:
        yield task
        for each in task["for_each_task"] or []:
            yield from each["task"] or []


def supply(cluster: Object, definition: str) -> None:
    """Fill what the cluster leaves out from its policy, so that it comes back with it.

    Fixed values are always filled, defaults only where apply_policy_default_values is set: as the Jobs API is
    understood to do, not recorded.  The flag is not returned (github.com/databricks/cli, pull request 5731), and the
    terraform provider shows what a policy supplied as a change (its issue 3658).
    """
    try:
        rules = json.loads(definition)
    except ValueError:
        return
    with_defaults = cluster.pop("apply_policy_default_values", None) is True
    cluster["apply_policy_default_values"] = None
    for path, rule in rules.items() if isinstance(rules, dict) else ():
        value = (
            rule.get("value") if rule.get("type") == "fixed" else rule.get("defaultValue") if with_defaults else None
        )
        name, _, inner = path.partition(".")
        if value is None or name not in cluster:
            continue
        if not inner:
            _set(cluster, name, value)
        elif name in ("spark_conf", "spark_env_vars", "custom_tags"):
            cluster[name] = {inner: str(value)} | (cluster[name] or {})
        elif cluster[name]:
            _set(cluster[name][0], inner, value)
        elif isinstance(cluster[name], list):
            cluster[name] = [{inner: value}]


def _set(holder: Object, name: str, value: Any) -> None:
    if holder.get(name) in (None, "", 0) or holder.get(name) is UNKNOWN:
        holder[name] = value
