"""`mlops feasible`: attrition, events, the expected interval of the AUROC, codes by year, before anyone trains."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from cli import json_file
from cli.house import House, model_of, refuse_missing
from cli.stage import Stage
from cli.summary import Zone
from infra import names
from infra.clusters import load as load_clusters
from jobs.model.feasibility import NOTHING, Coverage, Outcome, coverage, outcome
from jobs.model.table_one import EVERYONE, NobodyError, table_one
from jobs.quality.kinds import Family, families
from report.model import Step, attrition
from report.stores import Stage as Stored
from report.stores import Tables
from sandbox.workspace import workspace_of
from workflows.covariates import code_rows, sets_of
from workflows.declare import Model
from workflows.discover import discover
from workflows.source import Source

EVENT = ["person_id", "event_start_datetime", "vocabulary_id", "concept_code", "known_to"]
HIDDEN = "few"
YEARS = 10  # as many as a screen is wide; JSON has all


@dataclass(frozen=True, kw_only=True)
class Feasible:
    """What a stage's tables say of a model, as it may be published. asked: for Table 1, which may be none."""

    model: str
    attrition: list[Step]
    outcome: Outcome
    coverage: list[Coverage]
    table_one: pd.DataFrame | None
    asked: bool


def show_feasible(stage: str, model: str, *, with_table_one: bool, json_path: Path | None) -> None:
    """What is expected of a model on a stage of the sandbox; `json_path` gets the same as JSON."""
    house = House()
    found = discover(clusters=load_clusters())
    declared = model_of(found, model)
    workspace_of(house.home, house.out, stage)
    warehouse = Stage(house, stage).workspace.warehouse
    made = feasible(warehouse, declared, found.sources[declared.source], with_table_one=with_table_one)
    print_feasible(Console(highlight=False), stage, made)
    json_file.write(written(made), json_path)


def feasible(warehouse: Path, model: Model, source: Source, *, with_table_one: bool) -> Feasible:
    """What the tables in a warehouse say of a model; raises UsageError where its features are not there yet."""
    tables = Tables(warehouse)
    features, facts = f"{source.name}_ra.feature_{model.name}", f"{source.name}_ra.fact_person"
    steps = attrition(Stored("", tables, (), None, {}), model.name) or []
    wanted = (f"{model.name}.attrition", features, facts)
    refuse_missing(tables, model.name, dict.fromkeys(wanted, names.job(model.name, "featurize")))
    zone = Zone(warehouse / f"{source.name}_ra")
    rows = zone.table(f"feature_{model.name}").to_pandas()
    sets = sets_of(model.of_events, source.collections)
    codes = code_rows(model.of_events, sets)
    related = families(model.features, sets, codes) if with_table_one else ()
    events = zone.table("fact_person").select(EVENT).to_pandas()
    # Where the last step is not shown, what is counted of the rows it leaves would show it.
    told = bool(steps) and steps[-1].encounters.replace(",", "").isdecimal()
    return Feasible(
        model=model.name,
        attrition=steps,
        outcome=outcome(rows, model.test_share) if told else NOTHING,
        coverage=coverage(events, codes),
        table_one=by_outcome(rows, related) if with_table_one and told else None,
        asked=with_table_one,
    )


def by_outcome(rows: pd.DataFrame, related: Sequence[Family]) -> pd.DataFrame | None:
    """Table 1, or None where one of its groups is nobody or few: which of them would tell when few had their event."""
    try:
        found = table_one(rows, families=related)
    except NobodyError:
        return None
    groups = found.loc[found["covariate"] == EVERYONE, ["persons_0", "persons_1"]]
    return None if groups.isna().to_numpy().any() else found


def written(made: Feasible) -> dict[str, object]:
    """The same as JSON types; what is not published is null."""
    table = made.table_one
    return {
        "model": made.model,
        "attrition": [asdict(step) for step in made.attrition],
        "outcome": asdict(made.outcome),
        "coverage": [asdict(one) for one in made.coverage],
        "table_one": None if table is None else json.loads(table.to_json(orient="records")),
    }


def count(number: int | None) -> str:
    """A count, or that it is one of few persons."""
    return HIDDEN if number is None else f"{number:,}"


def print_feasible(console: Console, stage: str, made: Feasible) -> None:
    """As `show_feasible`, of what was read."""
    console.print(f"[bold]{made.model}[/bold] on the {stage} stage; {HIDDEN}: 1 to 10 persons, or what tells of them")
    table = _table("step", "rows", "persons")
    for step in made.attrition:
        table.add_row(step.reason, step.encounters, step.persons)
    console.print(table)
    found = made.outcome
    console.print(
        f"outcome known: {count(found.known)} rows of {count(found.persons)} persons; "
        f"events: {count(found.events)} of {count(found.persons_with)} persons"
    )
    for one, wider in zip_longest(found.widths, found.by_person):
        console.print(
            f"an AUROC of {one.auroc} would be {one.low:.3f} to {one.high:.3f} on the test side (95 %)", end=""
        )
        # Who returns is no new evidence where their rows are alike.
        returns = wider is not None and wider != one
        console.print(f"; {wider.low:.3f} to {wider.high:.3f} if each person counts once" if returns else "")
    if not found.widths:
        console.print("no interval of the AUROC can be told of so few")
    console.print(_coverage(made.coverage) if made.coverage else "no event has a date: codes cannot be told by year")
    if made.table_one is not None:
        console.print(_table_one(made.table_one))
    elif made.asked:
        console.print("Table 1 is not shown: nobody or few, by first row, have or lack the outcome")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, justify="left" if name == columns[0] else "right")
    return table


def _coverage(found: list[Coverage]) -> Table:
    """A row a concept set, a column a year, the newest ones: the share of the year's persons."""
    years = sorted({one.year for one in found})[-YEARS:]
    table = _table("persons with a code, % of the year's", *map(str, years))
    by_set: dict[str, dict[int, str]] = {}
    for one in found:
        share = (
            HIDDEN if one.persons is None or one.of is None else f"{100 * one.persons / one.of:.1f}" if one.of else ""
        )
        by_set.setdefault(one.concept_set_name, {})[one.year] = share
    for name, shares in by_set.items():
        table.add_row(name, *(shares[year] for year in years))
    return table


def _table_one(found: pd.DataFrame) -> Table:
    """Table 1: a mean and its deviation, or persons and their share."""
    table = _table("covariate", "without outcome", "with outcome", "SMD")
    for line in found.itertuples():
        cells = []
        for group in (0, 1):
            persons, value, sd = (getattr(line, f"{name}_{group}") for name in ("persons", "value", "sd"))
            if pd.isna(persons):
                cells.append(HIDDEN)
            elif pd.isna(value):
                cells.append(f"{persons:,}")
            else:
                cells.append(f"{value:.2f} ({sd:.2f})" if sd == sd else f"{persons:,} ({100 * value:.1f} %)")
        smd = "" if line.smd != line.smd else f"{line.smd:.2f}"
        table.add_row(f"{line.covariate} {line.level}".strip(), *cells, smd)
    return table
