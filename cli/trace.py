"""`mlops trace`: what a row of a stage's table was made from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import json_file
from cli.house import House
from report.stores import Tables
from report.trace import Made, Trace, trace
from report.words import short
from sandbox.workspace import workspace_of


def show_trace(stage: str, table: str, key: str, json_path: Path | None) -> None:
    """Every version behind the rows that have the key, in the sandbox's tables of the stage."""
    house = House()
    found = trace(Tables(workspace_of(house.home, house.out, stage).warehouse), table, key)
    print_trace(Console(highlight=False), found)
    json_file.write(asdict(found), json_path)


def print_trace(console: Console, found: Trace) -> None:
    """As `show_trace`, of what was found."""
    rows = "several rows have" if found.several else "one row has"
    console.print(Text(f"{found.table}: {rows} this key", "bold"))
    for model in found.models:
        console.print("  " + ", ".join(f"{name} {value}" for name, value in model.items()))
    table = Table("version", "made from", "commit", "contract", "declaration", "run", box=None, pad_edge=False)
    for one in found.versions:
        table.add_row(*_cells(one))
    console.print(table)


def _cells(one: Made) -> tuple[str, ...]:
    made_from = ", ".join(f"{name}@{version}" for name, version in sorted(one.inputs.items()))
    run = f"{one.job_run_id} / {one.task_run_id}" if one.job_run_id else "delivered"
    hashes = (short(value) if value else "" for value in (one.commit, one.contract_hash, one.declaration_hash))
    return f"{one.name}@{one.version}", made_from, *hashes, run
