"""The curated tables that a fact table is made from, as their contracts describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.featurize.withdrawal import TOMBSTONES, kept
from jobs.io.context import Task
from workflows.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def curated(task: Task, source: Source, table: str) -> tuple[dict[str, DataFrame], dict[str, int]]:
    """The newest versions of the tables behind a fact table, without withdrawn persons, and which those are."""
    from jobs.featurize.columns import typed

    contracts = [source.contract(name) for name in source.made_from[table]]
    inputs = task.tables.inputs(*(f"{source.name}.{contract.table}" for contract in contracts))
    tables = {
        contract.table: typed(task.tables.read(name, inputs[name]), contract)
        for contract in contracts
        for name in [f"{source.name}.{contract.table}"]
    }
    withdrawn = f"{source.name}_ra.{TOMBSTONES}"
    if task.tables.exists(withdrawn):
        inputs |= task.tables.inputs(withdrawn)
        marks = task.tables.read(withdrawn, inputs[withdrawn])
        tables = {name: kept(frame, marks, source, name, tables) for name, frame in tables.items()}
    return tables, inputs
