"""`mlops preview MODEL [FEATURE]`: what declared features look like on the facts of the sandbox's dev stage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from cli.house import House, model_of, refuse_missing
from infra import names
from infra.clusters import load as load_clusters
from jobs.featurize.cohort import of_model
from jobs.preview import Preview, preview
from report.stores import Tables
from sandbox.services import Services
from sandbox.workspace import workspace_of
from workflows.cohorts import used
from workflows.declare import Model
from workflows.discover import Catalogue, discover

STAGE = "dev"


def preview_model(name: str, feature: str) -> None:
    """Look as the owner of this sandbox; in a notebook on Azure the person's own grants decide."""
    house, console = House(), Console(highlight=False)
    catalogue = discover(clusters=load_clusters(), examples=False)
    model = model_of(catalogue, name)
    workspace = workspace_of(house.home, house.out, STAGE)
    refuse_missing(Tables(workspace.warehouse), name, makers(catalogue, model), STAGE)
    # Spark's functions ask the environment which kind of session they build columns for.
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    with (
        console.status(f"reading the facts of {model.source} in {STAGE}"),
        Services(workspace, house.cache) as services,
        services.session() as spark,
    ):
        found = preview(model, feature, spark=spark)
    for one in found:
        show(console, one)


def makers(catalogue: Catalogue, model: Model) -> dict[str, str]:
    """The fact tables that a preview of a model reads, and the job that makes each."""
    own = [one for one in catalogue.featurizations.values() if one.source == model.source]
    return {
        table: names.job(one.name, "featurize")
        for table in used(catalogue.sources[model.source], of_model(model), model.features)
        for one in own
        if table.partition(".")[2] in one.tables
    }


def show(console: Console, one: Preview) -> None:
    """One column: its sentence, its distribution, its codes."""
    console.print(f"[bold]{one.column}[/bold]: {one.sentence}")
    table = Table("value", "persons", "share")
    for value, persons, share in cells(one.distribution):
        table.add_row(value, count(persons), "" if share is None else f"{share:.1%}")
    console.print(table)
    if len(one.codes):
        codes = Table("vocabulary", "code", "persons")
        for vocabulary, code, persons in cells(one.codes):
            codes.add_row(vocabulary, code, count(persons))
        console.print(codes)


def cells(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """The rows of a table, None where there is no value."""
    yield from frame.astype(object).where(frame.notna(), None).itertuples(index=False)


def count(persons: int | None) -> str:
    """A count as it is shown."""
    return "not shown" if persons is None else f"{persons:,}"
