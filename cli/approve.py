"""`mlops approve`: a person's word, recorded in the stage by a job that they may run."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Approve what a stage holds, as a person who may.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `data` a command of its own."""


@app.command()
def data(
    stage: Annotated[str, typer.Argument(help="dev, validation or prod", show_default=False)],
    featurization: Annotated[str, typer.Argument(help="the featurization of the source", show_default=False)],
    reason: Annotated[str, typer.Option(help="why these data will do", show_default=False)],
    principal: Annotated[
        str, typer.Option("--as", metavar="NAME", help="in the sandbox, as this person: r5-uci130@cdh.example")
    ] = "",
    azure: Annotated[bool, typer.Option("--azure", help="the workspace on Azure that DATABRICKS_HOST names")] = False,
) -> None:
    """Approve the newest quality report of a source; a report that says anything else is not approved."""
    from cli.client import Where
    from cli.work import approve_data

    approve_data(Where(stage=stage, azure=azure, principal=principal), featurization, reason)
