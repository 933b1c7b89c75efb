"""What the stages hold: resources by type, jobs with who runs them and on what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from report import dag, words
from report.stores import Stage


@dataclass(frozen=True)
class Line:
    """A resource type and how many of it each stage holds."""

    kind: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class JobLine:
    """A job, who runs it, on what, and its number of tasks in each stage (0: not in that stage)."""

    name: str
    run_as: str
    cluster: str
    tasks: tuple[int, ...]


def resources(stages: Sequence[Stage]) -> list[Line]:
    """Counts by resource type: what the store holds, or the stack where nothing was deployed."""
    counted = [Counter(dict(stage.deployed)) if stage.deployed is not None else Counter() for stage in stages]
    kinds = sorted({kind for counts in counted for kind in counts})
    lines = [
        Line(kind.removeprefix("databricks_").replace("_", " "), tuple(c[kind] for c in counted)) for kind in kinds
    ]
    return [*lines, Line("all", tuple(sum(counts.values()) for counts in counted))]


def jobs(stages: Sequence[Stage]) -> list[JobLine]:
    """Every job of any stage."""
    found = [dag.jobs(stage.stack) for stage in stages]
    lines = []
    for name in sorted({name for jobs_ in found for name in jobs_}):
        one, stage = next((jobs_[name], stage) for jobs_, stage in zip(found, stages, strict=True) if name in jobs_)
        run_as = one.run_as.removesuffix(f"-{stage.name}")  # each stage has its own principal for the same role
        counts = tuple(len(jobs_[name].tasks) if name in jobs_ else 0 for jobs_ in found)
        lines.append(JobLine(name, run_as, ", ".join(one.clusters) or words.NOTHING, counts))
    return lines


def compute(stages: Sequence[Stage]) -> dict[str, str]:
    """Every job cluster of any stage in words, by key."""
    found: dict[str, dict[str, None]] = {}
    for stage in stages:
        for job in dag.jobs(stage.stack).values():
            for key, described in job.clusters.items():
                found.setdefault(key, {})[described] = None
    return {key: " or ".join(described) for key, described in found.items()}


def own_jobs(stage: Stage, model: str, source: str) -> list[dag.Job]:
    """The jobs of one model and of its source's featurization, in the order in which they first ran."""
    first: dict[str, int] = {}
    for run in stage.runs:
        first.setdefault(run.job, len(first))
    own = [
        job
        for name, job in dag.jobs(stage.stack).items()
        if name == f"{source}_featurize" or (name.startswith(f"{model}_") and "_" not in name.removeprefix(f"{model}_"))
    ]
    return sorted(own, key=lambda job: (first.get(job.name, len(first)), job.name))
