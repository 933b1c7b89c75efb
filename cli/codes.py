"""`mlops codes`: checks, compares and imports code lists on this machine, without Spark."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check, compare and import code lists.", no_args_is_help=True)
Reference = Annotated[
    Path | None,
    typer.Option(help="a folder with reference files: ICD-10-CM order file, CCS, GEMs, an Athena bundle"),
]


@app.command()
def check(
    collection: Annotated[str, typer.Argument(help="a collection or a CSV file; by default all collections")] = "",
    reference: Reference = None,
) -> None:
    """Every code of a collection: unknown, retired, header, wrong vocabulary, duplicate, format. Code 1 if fatal."""
    from rich.console import Console
    from rich.table import Table

    from jobs.codes.check import CHECKS, report
    from jobs.codes.known import known_in
    from workflows.concept_sets import collections, in_version, lines, lines_of

    console = Console(highlight=False)
    known = known_in(reference) if reference else None
    reports = []
    for name in [collection] if collection else collections():
        held = lines_of(Path(name)) if name.endswith(".csv") else lines(name)
        reports.append(report(name, in_version(held), known))
    table = Table("severity", "check", "line", "vocabulary", "code", "concept set", "detail")
    for one in reports:
        for found in sorted(one.findings, key=lambda found: (list(CHECKS).index(found.check), found.line)):
            if reference is None and found.check == "not_assessable":
                continue  # of every code, and said once below
            where = found.concept
            table.add_row(
                found.severity, found.check, f"{one.collection}:{found.line}", where.vocabulary_id, where.code,
                where.concept_set_name, f"{CHECKS[found.check].meaning}{': ' if found.detail else ''}{found.detail}",
            )  # fmt: skip
    if table.row_count:
        console.print(table)
    for one in reports:
        mark = "[green]✓[/green]" if one.passed else "[red]✗[/red]"
        console.print(f"{mark} {one.summary()}")
    if reference is None:
        console.print("without --reference it is not known which codes exist")
    if not all(one.passed for one in reports):
        sys.exit(1)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="collection, collection@1, file.csv or file.csv@1", show_default=False)],
    after: Annotated[str, typer.Argument(help="the same, later", show_default=False)],
) -> None:
    """Which codes were added, removed, or moved to another set between two versions or files."""
    from rich.console import Console
    from rich.table import Table

    from jobs.codes.difference import difference, named

    console = Console(highlight=False)
    changes = difference(named(before), named(after))
    table = Table("what", "vocabulary", "code", "before", "after")
    for change in changes:
        table.add_row(change.what, change.vocabulary_id, change.code, change.before, change.after)
    if changes:
        console.print(table)
    kinds = sorted({change.what for change in changes})
    counted = ", ".join(f"{sum(change.what == kind for change in changes)} {kind}" for kind in kinds)
    console.print(f"{before} -> {after}: {counted or 'no difference'}")


@app.command()
def recorded(
    folder: Annotated[Path, typer.Argument(help="a delivery of a source", show_default=False)],
    columns: Annotated[list[str], typer.Argument(help="columns of codes in its CSV", show_default=False)],
    vocabulary: Annotated[str, typer.Option(help="their vocabulary, such as ICD9CM", show_default=False)],
    reference: Annotated[Path, typer.Option(help="a folder with reference files", show_default=False)],
    zeros_lost: Annotated[bool, typer.Option("--zeros-lost", help="ICD-9-CM without its leading zeros")] = False,
) -> None:
    """What the recorded codes of a delivery are: leaves, headers, unknown, malformed."""
    from rich.console import Console
    from rich.table import Table

    from jobs.codes.known import known_in
    from jobs.codes.recorded import STATES, counted, states, told
    from workflows.code_systems import system_of

    system_of(vocabulary, "mlops codes recorded")
    known = known_in(reference)
    table = Table("column", *STATES)
    for column, codes in counted(folder, columns).items():
        table.add_row(column, *told(states(codes, vocabulary, known, zeros_lost=zeros_lost)).values())
    Console(highlight=False).print(table)


@app.command("import")
def take_in(
    file: Annotated[Path, typer.Argument(help="a concept set as OHDSI's tools write it", show_default=False)],
    name: Annotated[str, typer.Option(help="the concept set's name", show_default=False)],
    reference: Annotated[Path, typer.Option(help="a folder with an Athena bundle", show_default=False)],
    version: Annotated[int, typer.Option(help="the set's version", min=1, max=999_999_999)] = 1,
) -> None:
    """Resolve a concept set of OHDSI (JSON) and print the lines of a CSV file for workflows/concepts."""
    from jobs.codes.ohdsi import imported, written

    found = imported(file, reference, name, version)
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(written(found.concepts), nl=False)
