"""What a demo learned, read from the Delta tables with delta-rs: another engine than the one that wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from report.lineage import complete


@dataclass(frozen=True)
class Zone:
    """The Delta tables of one schema in a workspace's warehouse."""

    folder: Path

    def table(self, name: str) -> pa.Table:
        """The newest version of a table."""
        return pa.table(DeltaTable(str(self.folder / name)).to_pyarrow_table())

    def rows(self, name: str, **equals: Any) -> list[dict[str, Any]]:
        """The rows whose columns have the given values."""
        table = self.table(name)
        for column, value in equals.items():
            table = table.filter(pc.equal(table[column], value))
        return list(table.to_pylist())


def newest(rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The rows that carry the largest value of `key`."""
    last = max((row[key] for row in rows), default=None)
    return [row for row in rows if row[key] == last]


def evaluation(zone: Zone, run_id: str) -> dict[str, Any]:
    """The metrics of one training run on its test persons, and on the last encounters in time."""
    rows = zone.rows("evaluation", mlflow_run_id=run_id, subgroup="all")
    by = {(row["split"], row["metric"]): row for row in rows}
    auroc = by["person", "auroc"]

    def value(split: str, metric: str) -> float | None:
        return by[split, metric]["value"] if (split, metric) in by else None

    return {
        "auroc": auroc["value"],
        "auroc_low": auroc["low"],
        "auroc_high": auroc["high"],
        "observed_over_expected": value("person", "observed_over_expected"),
        "in_time": {
            split: {metric: value(split, metric) for metric in ("auroc", "observed_over_expected")}
            for split in ("time_held_out", "time", "time_new_persons")
        },
    }


def gates(zone: Zone, run_id: str, moment: str) -> dict[str, str]:
    """Gate -> state of one run: as judged for promotion ("judge") or as first reported ("evaluate")."""
    rows = newest(zone.rows("gate", mlflow_run_id=run_id, stage_of_check=moment), "checked_at")
    return {row["gate"]: row["state"] for row in rows}


def persons_in_both_sides(zone: Zone) -> int:
    """How many persons of the dataset stand on more than one side; must be 0."""
    table = zone.table("dataset").select(["person_id", "side"]).group_by(["person_id", "side"]).aggregate([])
    counts = table.group_by("person_id").aggregate([("side", "count")])
    return int(pc.sum(pc.greater(counts["side_count"], 1).cast(pa.int64())).as_py() or 0)


def eligible_encounters(zone: Zone) -> int | None:
    """Encounters that the cohort's last step leaves; None where they are not released."""
    rows = newest(zone.rows("attrition"), "job_run_id")
    found = max(rows, key=lambda row: row["step"])["encounters"]
    return None if found is None else int(found)


def told(encounters: int | None) -> str:
    """How many encounters are eligible, as a person reads it."""
    return (
        "too few eligible encounters to say how many" if encounters is None else f"{encounters:,} eligible encounters"
    )


def predictions(zone: Zone, version: str) -> dict[str, int]:
    """Rows scored by a version, and how many of them name everything they came from."""
    table = zone.table("predictions")
    rows = table.filter(pc.equal(table["model_version"].cast(pa.string()), version)).to_pylist()
    lineage = Zone(zone.folder.parent / "ml")
    records = lineage.rows("lineage") if (lineage.folder / "lineage").is_dir() else None
    return {"rows": len(rows), "rows_with_complete_lineage": complete(rows, records)}
