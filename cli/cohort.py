"""`mlops cohort`: cohort definitions of other tools as declarations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Cohort definitions of other tools.", no_args_is_help=True)


@app.callback()
def cohorts() -> None:
    """Cohort definitions of other tools."""


@app.command("import")
def take_in(
    file: Annotated[Path, typer.Argument(help="a cohort definition of OHDSI's tools (CIRCE JSON)", show_default=False)],
    reference: Annotated[
        Path | None, typer.Option(help="a folder with an Athena bundle, where concept sets include descendants")
    ] = None,
) -> None:
    """Print a cohort as a declaration; refused whole, with everything unknown named, where a part is not supported."""
    from jobs.codes.circe import imported, source_of

    found = imported(file, reference)
    assert found.cohort is not None
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(source_of(found.cohort), nl=False)
