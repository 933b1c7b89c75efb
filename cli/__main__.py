"""`mlops`: deploy stages, run their jobs, watch the runs, see the whole loop in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.approve import app as approve
from cli.codes import app as codes
from cli.cohort import app as cohort
from cli.report import app as report

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False
)
app.add_typer(approve, name="approve")
app.add_typer(codes, name="codes")
app.add_typer(cohort, name="cohort")
app.add_typer(report, name="report")

StageName = Annotated[str, typer.Argument(help="dev, validation or prod", show_default=False)]
RunNumber = Annotated[int, typer.Argument(help="the run's number, as `mlops runs` shows it", show_default=False)]
Azure = Annotated[bool, typer.Option("--azure", help="the workspace on Azure that DATABRICKS_HOST or a profile names")]
As = Annotated[
    str, typer.Option("--as", metavar="NAME", help="in the sandbox, as this principal: sp-train-dev, r3@cdh.example")
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="also write what is shown to this file", dir_okay=False)]


@app.command()
def demo(
    data: Annotated[
        Path | None, typer.Option(help="a folder with source data; without it synthetic data are made")
    ] = None,
    seed: Annotated[int, typer.Option(help="seed of the synthetic data", min=0)] = 42,
    change: Annotated[
        str, typer.Option(help="named change in the newest synthetic encounters, or 'none'")
    ] = "readmission_surge",
    persons: Annotated[int, typer.Option(help="synthetic persons", min=500, max=200_000)] = 6_000,
    fresh: Annotated[bool, typer.Option("--fresh", help="empty a sandbox that was not made by a demo")] = False,
    home: Annotated[Path | None, typer.Option(help="the sandbox's folder; by default .sandbox")] = None,
    json: JsonFile = None,
) -> None:
    """The whole loop on this machine: three stages, one model, from declaration to retraining."""
    import faulthandler
    import signal

    from cli.demo import tell

    # `kill -USR1` shows where a demo stands that does not go on.
    faulthandler.register(signal.SIGUSR1)
    tell(data, seed=seed, change=change, persons=persons, fresh=fresh, json_path=json, home=home)


@app.command()
def deploy(stage: StageName) -> None:
    """Deploy a stage (or account, or azure-<stage>) into the sandbox with the real cdktf and terraform."""
    from cli.commands import deploy_stage

    deploy_stage(stage)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="a file of models, workflows/models/<name>.py", show_default=False)],
) -> None:
    """Check a model's file and its examples: what becomes of each invented patient. Seconds, no Spark."""
    from cli.check import check_file

    check_file(file)


@app.command()
def preview(
    model: Annotated[str, typer.Argument(help="a declared model", show_default=False)],
    feature: Annotated[str, typer.Argument(help="one of its features, or a column; by default all")] = "",
) -> None:
    """What a model's features look like on the facts of dev's sample of persons: values, gaps, codes that matched."""
    from cli.preview import preview_model

    preview_model(model, feature)


@app.command()
def deliver(
    stage: StageName,
    folder: Annotated[Path, typer.Argument(help="a folder that holds one of the declared sources", show_default=False)],
) -> None:
    """Stand for the data manager: a folder's files become the curated tables of the source they are."""
    from cli.commands import deliver_folder

    deliver_folder(stage, folder)


@app.command()
def destroy(
    stage: StageName,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Destroy a stage. What holds data in a stage that keeps its data is refused by terraform itself."""
    from cli.commands import destroy_stage

    destroy_stage(stage, yes)


@app.command()
def run(
    stage: StageName,
    job: Annotated[str, typer.Argument(help="the job's name", show_default=False)],
    parameters: Annotated[list[str] | None, typer.Argument(metavar="[name=value]...", show_default=False)] = None,
    azure: Azure = False,
    principal: As = "",
) -> None:
    """Run a deployed job and watch it."""
    from cli.client import Where
    from cli.work import run_job

    run_job(Where(stage=stage, azure=azure, principal=principal), job, parameters or [])


@app.command()
def runs(
    stage: StageName,
    last: Annotated[int, typer.Option(help="how many of the newest runs; 0 = all", min=0)] = 20,
    json: JsonFile = None,
    azure: Azure = False,
    principal: As = "",
) -> None:
    """The runs of a stage: states, times, and the reason of the first failure."""
    from cli.client import Where
    from cli.runs import list_runs

    list_runs(Where(stage=stage, azure=azure, principal=principal), json, last)


@app.command()
def status(stage: StageName, azure: Azure = False, principal: As = "") -> None:
    """How a stage stands: what is deployed, what runs, how each job ended last, which versions are champions."""
    from cli.client import Where
    from cli.status import show_status

    show_status(Where(stage=stage, azure=azure, principal=principal))


@app.command()
def feasible(
    model: Annotated[str, typer.Argument(help="a declared model", show_default=False)],
    stage: Annotated[str, typer.Option(help="dev, validation or prod")] = "dev",
    table_one: Annotated[bool, typer.Option("--table-one", help="also who has the outcome and who has not")] = False,
    json: JsonFile = None,
) -> None:
    """Whether a model is worth training: attrition, events, expected interval of the AUROC, codes by year."""
    from cli.feasible import show_feasible

    show_feasible(stage, model, with_table_one=table_one, json_path=json)


@app.command()
def logs(
    stage: StageName,
    run: RunNumber,
    task: Annotated[str, typer.Argument(help="a task, or an iteration such as each.3; by default all")] = "",
    attempt: Annotated[int, typer.Option(help="one attempt; by default all", min=0)] = 0,
    azure: Azure = False,
    principal: As = "",
) -> None:
    """What the tasks of a run wrote, in the order in which they ran."""
    from cli.client import Where
    from cli.logs import show_logs

    show_logs(Where(stage=stage, azure=azure, principal=principal), run, task, attempt)


@app.command()
def cancel(
    stage: StageName,
    run: RunNumber,
    azure: Azure = False,
    principal: As = "",
) -> None:
    """Stop a run that is queued or runs, with the runs it started."""
    from cli.client import Where
    from cli.work import cancel as stop

    stop(Where(stage=stage, azure=azure, principal=principal), run)


@app.command()
def repair(
    stage: StageName,
    run: RunNumber,
    tasks: Annotated[list[str] | None, typer.Argument(metavar="[task]...", help="by default those that failed")] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("--set", metavar="name=value", help="over the run's parameters")
    ] = None,
    azure: Azure = False,
    principal: As = "",
) -> None:
    """Run again what failed in a run and what follows it; what succeeded keeps its values."""
    from cli.client import Where
    from cli.work import repair as mend

    mend(Where(stage=stage, azure=azure, principal=principal), run, tasks or [], parameters or [])


@app.command()
def serve(
    stage: StageName,
    port: Annotated[int, typer.Option(help="on loopback; 0 for any free one", min=0, max=65535)] = 8473,
) -> None:
    """Open a stage's REST door: the official SDK, curl or the real terraform provider use the workspace."""
    from cli.serve import serve_stage

    serve_stage(stage, port)


@app.command()
def who_can(
    stage: StageName,
    verb: Annotated[str, typer.Argument(help="read, write, run, view, set-alias, ...", show_default=False)],
    thing: Annotated[str, typer.Argument(metavar="OBJECT", help="job/readmission_train, uci130_ra.fact_person, ...")],
    json: JsonFile = None,
) -> None:
    """Who can do something to something, and through which grant, by the synthesized JSON."""
    from cli.access import show_who

    show_who(stage, verb, thing, json)


@app.command()
def what_can(
    stage: StageName,
    role: Annotated[str, typer.Argument(help="R1..R7, R3-uci130, a group or a service principal", show_default=False)],
    json: JsonFile = None,
) -> None:
    """What a role can do, and through which grant, by the synthesized JSON."""
    from cli.access import show_what

    show_what(stage, role, json)


# A key may be negative, as those of events without an encounter are: it is no option.
@app.command(context_settings={"ignore_unknown_options": True})
def trace(
    stage: StageName,
    table: Annotated[str, typer.Argument(help="schema.table, such as readmission.predictions", show_default=False)],
    key: Annotated[str, typer.Argument(help="a value of the table's key, or column=value", show_default=False)],
    json: JsonFile = None,
) -> None:
    """From a row back to versions, commits, contracts and runs; nothing that the row says of a person is printed."""
    from cli.trace import show_trace

    show_trace(stage, table, key, json)


@app.command()
def doctor(
    azure: Annotated[bool, typer.Option("--azure", help="what a deployment to Azure still needs")] = False,
) -> None:
    """What this machine has, and what is missing."""
    if azure:
        from cli.azure import examine as examine_azure

        examine_azure()
        return
    from cli.commands import examine

    examine()


@app.command()
def inputs(
    files: Annotated[list[Path], typer.Argument(help="what Azure and Databricks printed, as JSON", show_default=False)],
) -> None:
    """Fill infra/inputs.json: from the outputs of an Azure stack, from lists of groups, metastores, principals."""
    from cli.azure import fill

    fill(files)


def main() -> None:
    """Run the command line; what a person can mend is one message, never a traceback."""
    from cli.errors import explained
    from sandbox.task import leave, status

    try:
        with explained():
            app()
    except SystemExit as end:
        leave(status(end.code))


if __name__ == "__main__":
    main()
