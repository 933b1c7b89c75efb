"""Builds the report: reads the stores once, fills the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from report import charts, dag, deployed, lineage, monitoring, words
from report import model as models
from report.headline import Headline, headline
from report.rendering import render, written
from report.stores import Stage
from report.story import Step
from report.workspace import Workspace, read_stage

COVARIATES_SHOWN = 12
COMPARED = tuple(words.METRICS)


def page(
    stages: Sequence[Stage], name: str, source: str, *, synthetic: bool, question: str = "", story: Sequence[Step] = ()
) -> str:
    """The report as text. What is not there yet is said; a person's row is shown of synthetic data only."""
    found = {stage.name: models.trained(stage, name) for stage in stages}
    last = next((stage for stage in reversed(stages) if found[stage.name]), stages[-1])
    watched = monitoring.observed(last, name)
    top = headline(stages, name, found, watched)
    return render(
        "page.html.j2",
        became_champion=models.became_champion,
        name=name,
        source=source,
        synthetic=synthetic,
        question=question,
        story=story,
        stages=stages,
        top=top,
        resources=deployed.resources(stages),
        job_lines=deployed.jobs(stages),
        compute=deployed.compute(stages),
        pictures={stage.name: pictures(stage, name, source) for stage in stages},
        attrition={stage.name: models.attrition(stage, name) for stage in stages},
        trained=[one for stage in stages for one in found[stage.name]],
        **(_evaluation(top, name) if top else {"curves": None, "metrics": [], "splits": [], "subgroups": []}),
        records={stage.name: models.records(stage, name) for stage in stages},
        watched=watched,
        watching=[watching(one) for one in watched or []],
        lineage=lineage.of_predictions(last, name, synthetic),
        last=last,
        both_sides=sides(last, name),
    )


def pictures(stage: Stage, name: str, source: str) -> list[dict[str, Any]]:
    """Each own job of a stage that ran: its last run, its tasks as a picture, and when they worked."""
    shown = []
    for job in deployed.own_jobs(stage, name, source):
        run = stage.last_run(job.name)
        worked = run is not None and any(task.started is not None for task in run.tasks)
        times = charts.gantt(run) if run is not None and worked and len(run.tasks) > 1 else None
        shown.append({"job": job, "run": run, "tasks": dag.draw(job, run), "times": times})
    return shown


def _evaluation(top: Headline, name: str) -> dict[str, Any]:
    """Curves and tables of the version that the report is about, beside the one it was retrained to."""
    version = top.version
    auroc = version.overall("auroc")
    points = [(row["x"], row["y"]) for row in models.curve(top.stage, name, version.run, "roc")]
    bins = charts.merged(models.bins(models.curve(top.stage, name, version.run, "calibration")))
    return {
        "curves": {
            "roc": charts.roc(points, words.number(auroc.value if auroc and auroc.shown else None)) if points else None,
            "calibration": charts.calibration(bins) if bins else None,
        },
        "metrics": COMPARED,
        "splits": [split for split in words.SPLITS if (split, "all") in version.estimates],
        "subgroups": models.subgroups(version),
    }


def watching(one: monitoring.Watched) -> dict[str, Any]:
    """The pictures and tables of one observation."""
    return {
        "seen": one,
        "chart": charts.monitoring(one.points) if one.points else None,
        "covariates": charts.differences([(c.name, c.value, c.beyond) for c in one.covariates[:COVARIATES_SHOWN]])
        if one.covariates
        else None,
        "more": one.covariates[COVARIATES_SHOWN:],
    }


def sides(stage: Stage, name: str) -> int | None:
    """Persons that stand on both sides of the split (it must be none); null where there is no split yet."""
    rows = stage.tables.rows(f"{name}.side", columns=("person_id", "side"))
    if rows is None:
        return None
    of_person: dict[object, set[str]] = {}
    for row in rows:
        of_person.setdefault(row["person_id"], set()).add(row["side"])
    return sum(len(found) > 1 for found in of_person.values())


def build(
    workspaces: Mapping[str, Workspace],
    stacks: Mapping[str, Path],
    model: str,
    source: str,
    output: Path,
    *,
    synthetic: bool,
    question: str = "",
    story: Sequence[Step] = (),
) -> Path:
    """Write the report on one model to `output` and return it.

    `workspaces` and `stacks` (each stage's `cdk.tf.json`) are by stage, in the order in which code moves. `synthetic`
    says that the source holds invented persons: only then is one person's prediction shown.
    """
    stages = [read_stage(stage, workspace, stacks.get(stage)) for stage, workspace in workspaces.items()]
    text = page(stages, model, source, synthetic=synthetic, question=question, story=story)
    return written(text, output)
