"""`mlops report`: pages about what a stage of the sandbox holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.house import House

app = typer.Typer(help="Write a page about what a stage of the sandbox holds.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `data` a command of its own."""


@app.command()
def data(
    stage: Annotated[str, typer.Argument(help="dev, validation or prod", show_default=False)],
    source: Annotated[str, typer.Argument(help="a declared source, such as synthetic_omop", show_default=False)],
    output: Annotated[Path | None, typer.Option(help="the page; by default in .sandbox", dir_okay=False)] = None,
) -> None:
    """The quality report of a source: every check of its tables, its covariates by month and group, its cohorts."""
    from cli.story import shown

    typer.echo(shown(data_page(stage, source, output)))


def data_page(stage: str, source: str, output: Path | None = None, house: House | None = None) -> Path:
    """Write the page about a source's data in a stage and return its path."""
    from cli.errors import UsageError
    from cli.house import House
    from infra.clusters import load
    from report.quality import build
    from sandbox.workspace import workspace_of
    from workflows.contracts.facts import tables_of
    from workflows.discover import discover

    catalogue, house = discover(clusters=load()), house or House()
    if source not in catalogue.sources:
        raise UsageError(f"source {source!r} is not known; valid: {', '.join(sorted(catalogue.sources))}")
    models = [name for name, model in catalogue.models.items() if model.source == source]
    page = output or house.home / f"quality_{stage}_{source}.html"
    workspace = workspace_of(house.home, house.out, stage)
    declared = tables_of(catalogue.sources[source])
    synthetic = source.startswith("synthetic_")
    return build(workspace, stage, source, models, page, synthetic=synthetic, declared=declared)


def featurized(job: str) -> str | None:
    """The source whose facts a job makes; None for any other job."""
    from infra.clusters import load
    from workflows.discover import discover

    made = {f"{name}_featurize": one.source for name, one in discover(clusters=load()).featurizations.items()}
    return made.get(job)
