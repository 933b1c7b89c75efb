"""`mlops demo`: from an empty workspace to a monitored and retrained model, shown as it happens."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli import json_file
from cli.errors import UsageError
from cli.house import House
from cli.memory import PeakMemory
from cli.steps import duration, walk
from cli.story import Story, shown
from cli.summary import told
from infra.clusters import load as load_clusters
from synthetic.changes import CHANGES
from workflows.declare import Model
from workflows.deliveries import DeliveryError, recognise
from workflows.discover import discover
from workflows.source import Source

MARK = "demo"
SYNTHETIC = "synthetic_omop"
# Whose outcome the change that happens in the story is about.
MODEL = "readmission"


def tell(
    data: Path | None,
    *,
    seed: int,
    change: str,
    persons: int,
    fresh: bool,
    json_path: Path | None,
    home: Path | None = None,
) -> None:
    """Run the demo and show what it deployed and learned; `json_path` gets the same as JSON."""
    console = Console(highlight=False)
    begun = time.monotonic()
    if change not in CHANGES:
        raise UsageError(f"change = {change!r} is not known; valid: {', '.join(sorted(CHANGES))}")
    house = House() if home is None else House(home=home)
    source, model = declared(data)
    console.print(
        f"[bold]{model.question}[/bold]  model {model.name}, source {source.name}, everything on this machine\n"
    )
    emptied(house, fresh)
    story = Story(house, source, model, data, seed, change, persons)
    with PeakMemory() as memory:
        try:
            walk(console, story.steps(), story.done)
        finally:
            story.close()
    learned = story.learned | {
        "seconds": round(time.monotonic() - begun, 1),
        "peak_memory_bytes": memory.peak,
        "steps": [{"step": one.step.title, "seconds": round(one.seconds, 1)} for one in story.done],
        "report": shown(house.report),
    }
    show(console, learned)
    json_file.write(learned, json_path)


def declared(data: Path | None) -> tuple[Source, Model]:
    """The source a folder holds (the synthetic one without a folder) and a model declared on it: of several the one
    that the demo tells of, or the first by name."""
    catalogue = discover(clusters=load_clusters())
    try:
        source = catalogue.sources[SYNTHETIC] if data is None else recognise(data)
    except DeliveryError as error:
        raise UsageError(str(error)) from error
    models = [model for model in catalogue.models.values() if model.source == source.name]
    if not models:
        raise UsageError(f"no model is declared on source {source.name}; declare one in workflows/models/")
    return source, min(models, key=lambda model: (model.name != MODEL, model.name))


def emptied(house: House, fresh: bool) -> None:
    """An empty sandbox. One that a person filled is not emptied unasked."""
    mark = house.home / MARK
    if house.home.exists() and any(house.home.iterdir()) and not mark.exists() and not fresh:
        raise UsageError(
            f"{house.home.name} holds stages that no demo deployed; a demo starts from an empty sandbox: "
            "say --fresh to empty it, or move it away"
        )
    shutil.rmtree(house.home, ignore_errors=True)
    house.home.mkdir(parents=True)
    mark.touch()


def show(console: Console, learned: dict[str, Any]) -> None:
    """The closing table."""
    table = Table(title="What was deployed and learned", title_justify="left", show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for name, stage in learned["stages"].items():
        table.add_row(
            f"{name} stage", f"{stage['resources']} resources; a second plan changes {stage['second_plan_changes']}"
        )
    model = learned["model"]
    table.add_row("model", f"{model['name']}, version {model['version']}, of {told(model['eligible_encounters'])}")
    table.add_row(
        "on held-out persons",
        f"AUROC {model['auroc']:.3f} (95 % {model['auroc_low']:.3f} to {model['auroc_high']:.3f}), "
        f"observed over expected {model['observed_over_expected']:.2f}; "
        f"{model['persons_in_both_sides']} persons on both sides",
    )
    for gate, state in model["gates"].items():
        table.add_row("gate", f"{gate}: {state}")
    rows = learned["predictions"]
    table.add_row("predictions", f"{rows['rows']:,}, {rows['rows_with_complete_lineage']:,} with complete lineage")
    watched = learned["monitor"]
    after = f"retraining started, version {watched['new_version']}" if watched["retrain_started"] else "no retraining"
    table.add_row("monitoring", f"{watched['signal'] or 'no signal'}; {after}")
    table.add_row(
        "took", f"{duration(learned['seconds'])}, at most {learned['peak_memory_bytes'] / 2**30:.1f} GiB of memory"
    )
    table.add_row("report", learned["report"])
    console.print()
    console.print(table)
