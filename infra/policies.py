"""Cluster policies: what every family must rule, and whether a cluster keeps to its own.

A policy is a file of Databricks' own JSON. Only job clusters may use one, so none says when an idle cluster ends: a
job's cluster ends with the job.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra import names
from infra.files import read_json
from workflows.errors import DeclarationError

# Where an init script can lie, as the Clusters API calls it; each has a rule of its own.
INIT_SCRIPTS = tuple(
    f"init_scripts.*.{place}.destination" for place in ("abfss", "dbfs", "file", "gcs", "s3", "volumes", "workspace")
)
# Rule -> what it must be: the rule itself, or its type.
REQUIRED: Mapping[str, Mapping[str, Any]] = {
    "cluster_type": {"type": "fixed", "value": "job"},
    "custom_tags.declaration": {"type": "regex"},
    "custom_tags.system": {"type": "fixed", "value": names.SYSTEM},
    "data_security_mode": {"type": "fixed", "value": "SINGLE_USER"},
    "node_type_id": {"type": "allowlist"},
    "spark_version": {"type": "fixed"},
    **{path: {"type": "forbidden"} for path in INIT_SCRIPTS},
}
# Sizes that Azure no longer sells -> the day that it stopped.
RETIRED: Mapping[str, str] = {r"Standard_NC\d+r?s_v3": "2025-09-30"}
# Ruled by a policy, and stated by the construct that makes the cluster, not by its folder.
ELSEWHERE = ("cluster_type", "custom_tags.")
# How the policy calls the fields of cluster.json that it calls otherwise.
POLICY_NAMES = {
    "availability": "azure_attributes.availability",
    "max_workers": "autoscale.max_workers",
    "min_workers": "autoscale.min_workers",
}


def allows(rule: Mapping[str, Any], value: object) -> str | None:
    """None if a policy's rule allows the value, else what it allows."""
    kind = rule.get("type")
    if kind == "fixed":
        return None if value == rule["value"] else str(rule["value"])
    if kind == "allowlist":
        return None if value in rule["values"] else ", ".join(map(str, rule["values"]))
    if kind == "range":
        low, high = rule.get("minValue", float("-inf")), rule.get("maxValue", float("inf"))
        fits = isinstance(value, (int, float)) and low <= value <= high
        return None if fits else f"a number from {low} to {high}"
    if kind == "regex":
        return None if isinstance(value, str) and re.fullmatch(rule["pattern"], value) else f"{rule['pattern']}"
    if kind == "forbidden":
        return None if value is None else "nothing: the policy forbids it"
    return "a rule of type fixed, allowlist, range, regex or forbidden"


def load(name: str, owner: str, root: Path) -> dict[str, Any]:
    """The rules of a policy, which `owner` asks for; raises unless it rules what every family must."""
    known = sorted(path.stem for path in (root / "policies").glob("*.json"))
    if name not in known:
        raise DeclarationError(owner, "policy", name, known, f"clusters/{owner}/cluster.json")
    label = f"policies/{name}.json"
    read = read_json(root / label, root)
    for path, wanted in REQUIRED.items():
        rule = read.get(path)
        if not isinstance(rule, dict) or any(rule.get(key) != value for key, value in wanted.items()):
            raise DeclarationError(name, path, rule, f"a rule with {wanted}", label)
    for size in read["node_type_id"]["values"]:
        for pattern, day in RETIRED.items():
            if re.fullmatch(pattern, size):
                raise DeclarationError(name, "node_type_id", size, f"a size that is sold: not since {day}", label)
    return read


def check(
    name: str, read: Mapping[str, Any], policy: Mapping[str, Any], fields: Mapping[str, type], label: str
) -> None:
    """Raise unless the cluster states a value for every rule of its policy, and one that the rule allows."""
    called = {POLICY_NAMES.get(field, field): field for field in fields}
    for key, rule in policy.items():
        if key.startswith(ELSEWHERE):
            continue
        group, _, inner = key.partition(".")
        field = called.get(key, key)
        value = read.get(group, {}).get(inner) if group in ("spark_conf", "spark_env_vars") else read.get(field)
        if (valid := allows(rule, value)) is not None:
            raise DeclarationError(name, field, value, f"{valid} (policies/{read['policy']}.json)", label)


def check_tags(policy: Mapping[str, Any], tags: Mapping[str, str], owner: str) -> None:
    """Raise unless a cluster's tags are what its policy wants of them."""
    for key, rule in policy.items():
        group, _, tag = key.partition(".")
        if group == "custom_tags" and (valid := allows(rule, tags.get(tag))) is not None:
            raise DeclarationError(owner, f"tag {tag}", tags.get(tag), valid)
