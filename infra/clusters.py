"""Compute definitions: one folder of `clusters/` each, checked against the cluster policy that they are under.

The policy's values are restated in every job cluster, because what only the policy supplies shows up in each plan.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflows.errors import DeclarationError

# Not proved here: node types, quotas, autotermination, the runtime's own libraries. Why: no cluster is started; the
# process of a task has the locked local environment. On Azure: run one job; compare `pip freeze` on the cluster with
# the lock.
ROOT = Path(__file__).parents[1]
# Field -> what it must be. Both workers are bounds of autoscaling.
FIELDS: Mapping[str, type] = {
    "availability": str, "data_security_mode": str, "max_workers": int, "min_workers": int, "node_type_id": str,
    "policy": str, "runtime_engine": str, "spark_conf": dict, "spark_env_vars": dict, "spark_version": str,
}  # fmt: skip
# How the policy calls those of them that it calls otherwise.
POLICY_NAMES = {
    "availability": "azure_attributes.availability",
    "max_workers": "autoscale.max_workers",
    "min_workers": "autoscale.min_workers",
}


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A job cluster. policy: (name, definition as Databricks JSON). requirements: text of its lock file."""

    name: str
    policy: str
    policy_definition: str
    requirements: str
    spark_version: str
    node_type_id: str
    availability: str
    min_workers: int
    max_workers: int
    data_security_mode: str
    runtime_engine: str
    spark_conf: Mapping[str, str]
    spark_env_vars: Mapping[str, str]


def read_json(path: Path, root: Path) -> dict[str, Any]:
    """The JSON object in a file; an error names the file."""
    label = path.relative_to(root).as_posix()
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DeclarationError(path.stem, "file", label, "a file that exists", label) from error
    except json.JSONDecodeError as error:
        raise DeclarationError(path.stem, f"line {error.lineno}", error.msg, "JSON", label) from error
    if not isinstance(read, dict):
        raise DeclarationError(path.stem, "file", type(read).__name__, "a JSON object", label)
    return read


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
    return "a rule of type fixed, allowlist or range"


def check_policy(name: str, read: Mapping[str, Any], policy: Mapping[str, Any], label: str) -> None:
    """Raise unless the cluster states a value for every rule of its policy, and one that the rule allows."""
    called = {POLICY_NAMES.get(field, field): field for field in FIELDS}
    for key, rule in policy.items():
        group, _, inner = key.partition(".")
        field = called.get(key, key)
        value = read.get(group, {}).get(inner) if group in ("spark_conf", "spark_env_vars") else read.get(field)
        if (valid := allows(rule, value)) is not None:
            raise DeclarationError(name, field, value, f"{valid} (policies/{read['policy']}.json)", label)


def load_one(folder: Path, root: Path) -> Cluster:
    """The cluster in one folder: `cluster.json` and `requirements.txt`."""
    name, file = folder.name, folder / "cluster.json"
    label = file.relative_to(root).as_posix()
    read = read_json(file, root)
    for field, kind in FIELDS.items():
        if not isinstance(read.get(field), kind) or isinstance(read[field], bool):
            raise DeclarationError(name, field, read.get(field), f"a value of type {kind.__name__}", label)
    if extra := sorted(set(read) - set(FIELDS)):
        raise DeclarationError(name, "field", extra[0], sorted(FIELDS), label)
    policies = sorted(path.stem for path in (root / "policies").glob("*.json"))
    if read["policy"] not in policies:
        raise DeclarationError(name, "policy", read["policy"], policies, label)
    policy = read_json(root / "policies" / f"{read['policy']}.json", root)
    check_policy(name, read, policy, label)
    lock = folder / "requirements.txt"
    if not lock.is_file():
        raise DeclarationError(name, "requirements.txt", None, "a lock file beside cluster.json: make lock", label)
    definition = json.dumps(policy, sort_keys=True, separators=(",", ":"))
    return Cluster(name=name, policy_definition=definition, requirements=lock.read_text(encoding="utf-8"), **read)


def load(root: Path = ROOT) -> dict[str, Cluster]:
    """Every cluster of the project by name."""
    return {
        file.parent.name: load_one(file.parent, root) for file in sorted((root / "clusters").glob("*/cluster.json"))
    }
