"""The table that says of every version of every table who made it from what, and its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LINEAGE = "ml.lineage"
LINEAGE_SCHEMA = (
    "object string, version long, job_run_id string, task_run_id string, commit string, requirements_hash string, "
    "declaration_hash string, inputs string, written_at timestamp"
)
CONTRACT_HASH = "contract_hash"
WHO = ("job_run_id", "task_run_id", "commit", "requirements_hash", "declaration_hash")


@dataclass(frozen=True)
class Provenance:
    """Who writes: the same hashes and ids in every lineage row and every Delta commit.

    contract_hash: of the source's contracts and mapping, in the commit alone.
    """

    job_run_id: str
    task_run_id: str
    commit: str
    requirements_hash: str
    declaration_hash: str
    contract_hash: str = ""


def lineage_row(
    who: Mapping[str, Any], name: str, version: int, inputs: Mapping[str, Any], at: datetime
) -> tuple[Any, ...]:
    """A row of LINEAGE_SCHEMA. who: the fields of a Provenance, as they are or as a commit keeps them."""
    return (name, version, *(who[one] for one in WHO), json.dumps(dict(inputs), sort_keys=True), at)


def told(rows: DataFrame, name: str, version: int, task_run_id: str) -> bool:
    """Whether the lineage says of a version that this task run made it."""
    of_it = (rows["object"] == name) & (rows["version"] == version) & (rows["task_run_id"] == task_run_id)
    return not rows.where(of_it).isEmpty()
