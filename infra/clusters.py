"""Compute definitions: one folder of `clusters/` each, checked against the cluster policy that they are under.

The policy's values are restated in every job cluster, because what only the policy supplies shows up in each plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import policies, requirements
from infra.files import read_json
from workflows.declare import Model
from workflows.errors import DeclarationError

# Not proved here: node types, quotas, autotermination, the runtime's own libraries. Why: no cluster is started; the
# process of a task has the locked local environment. On Azure: run one job; compare `pip freeze` on the cluster with
# the lock.
ROOT = Path(__file__).parents[1]
# All that a folder may hold.
FILES = (requirements.ACKNOWLEDGED, "cluster.json", "requirements.in", "requirements.txt")
# Field -> what it must be. Both workers are bounds of autoscaling.
FIELDS: Mapping[str, type] = {
    "availability": str, "data_security_mode": str, "max_workers": int, "min_workers": int, "node_type_id": str,
    "policy": str, "runtime_engine": str, "spark_conf": dict, "spark_env_vars": dict, "spark_version": str,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A job cluster. policy: its name; rules: those of the policy. requirements: text of its lock file."""

    name: str
    policy: str
    rules: Mapping[str, Any]
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


def load_one(folder: Path, root: Path) -> Cluster:
    """The cluster in one folder: `cluster.json`, `requirements.txt`, and what its folder acknowledges."""
    name, file = folder.name, folder / "cluster.json"
    label = file.relative_to(root).as_posix()
    read = read_json(file, root)
    for field, kind in FIELDS.items():
        if not isinstance(read.get(field), kind) or isinstance(read[field], bool):
            raise DeclarationError(name, field, read.get(field), f"a value of type {kind.__name__}", label)
    if extra := sorted(set(read) - set(FIELDS)):
        raise DeclarationError(name, "field", extra[0], sorted(FIELDS), label)
    if extra := sorted({path.name for path in folder.iterdir()} - set(FILES)):
        raise DeclarationError(name, "file", extra[0], FILES, label)
    rules = policies.load(read["policy"], name, root)
    policies.check(name, read, rules, FIELDS, label)
    lock = folder / "requirements.txt"
    if not lock.is_file():
        raise DeclarationError(name, "requirements.txt", None, "a lock file beside cluster.json: make lock", label)
    text = lock.read_text(encoding="utf-8")
    requirements.refuse_conflicts(folder, read["spark_version"], text, root)
    return Cluster(name=name, rules=rules, requirements=text, **read)


def refuse_lacking(models: Iterable[Model], clusters: Mapping[str, Cluster], files: Mapping[str, str]) -> None:
    """Raise where a model's cluster does not pin what its method needs: it would fail in its first run, in prod too.

    files: as of a Catalogue.
    """
    for model in models:
        for package in model.method.packages:
            having = [name for name, one in clusters.items() if f"\n{package}==" in f"\n{one.requirements}"]
            if model.cluster not in having:
                needs = f"a cluster that pins {package}, which {type(model.method).__name__} needs"
                valid = f"{needs}: {', '.join(having) or 'none'}"
                raise DeclarationError(model.name, "cluster", model.cluster, valid, files[f"declaration:{model.name}"])


def load(root: Path = ROOT) -> dict[str, Cluster]:
    """Every cluster of the project by name."""
    return {
        file.parent.name: load_one(file.parent, root) for file in sorted((root / "clusters").glob("*/cluster.json"))
    }
