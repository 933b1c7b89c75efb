"""What is known about a model's versions: metrics with intervals, curves, gates, attrition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from report import charts, words
from report.stores import Row, Run, Stage


@dataclass(frozen=True)
class Estimate:
    """A metric with its interval and what it was computed on; null counts are kept back, and without a value all is."""

    metric: str
    value: float | None
    low: float | None
    high: float | None
    encounters: int | None
    persons: int | None
    events: int | None

    @property
    def shown(self) -> bool:
        """False where 1..10 encounters, persons or events stand behind the figure.

        Where all counts are kept back, and the figure is not, few would be told by the difference from earlier counts.
        """
        counts = (self.encounters, self.persons, self.events)
        if counts == (None, None, None):
            return self.value is not None
        return not any(count is None or words.is_small(count) for count in counts)


@dataclass(frozen=True)
class Check:
    """One gate as judged once."""

    gate: str
    state: str
    detail: str


@dataclass(frozen=True)
class Trained:
    """One trained model in one stage: the run that made it, its version if it was registered, what was found."""

    stage: str
    run: str
    version: str
    checked_at: str
    estimates: dict[tuple[str, str], dict[str, Estimate]]  # (split, subgroup) -> metric -> estimate
    checks: tuple[Check, ...]
    champion: bool

    @property
    def label(self) -> str:
        """How tables call it."""
        return f"{self.stage} stage, " + (f"version {self.version}" if self.version else "not registered")

    def overall(self, metric: str, split: str = "person") -> Estimate | None:
        """The metric over everybody of a split."""
        return self.estimates.get((split, "all"), {}).get(metric)

    @property
    def passed(self) -> int:
        """How many gates passed."""
        return sum(check.state == "passed" for check in self.checks)


def trained(stage: Stage, model: str) -> list[Trained]:
    """Every trained model of a stage, oldest first; empty where none was evaluated yet."""
    evaluation = stage.tables.rows(f"{model}.evaluation") or []
    gates = sorted(stage.tables.rows(f"{model}.gate") or [], key=lambda row: str(row["checked_at"]))
    order = list(dict.fromkeys([row["mlflow_run_id"] for row in [*gates, *evaluation]]))
    return [_one(stage, model, run, evaluation, gates) for run in order]


def _one(stage: Stage, model: str, run: str, evaluation: Iterable[Row], gates: Iterable[Row]) -> Trained:
    estimates: dict[tuple[str, str], dict[str, Estimate]] = {}
    for row in evaluation:
        if row["mlflow_run_id"] == run:
            figures = [row[name] for name in ("metric", "value", "low", "high", "encounters", "persons", "events")]
            estimates.setdefault((row["split"], row["subgroup"]), {})[row["metric"]] = Estimate(*figures)
    own = [row for row in gates if row["mlflow_run_id"] == run]
    judged = [row for row in own if row["stage_of_check"] == "judge"] or own
    last = {row["gate"]: Check(row["gate"], row["state"], row["detail"] or "") for row in judged}
    version = next((str(row["model_version"]) for row in reversed(own) if row["model_version"] is not None), "")
    version = version or _registered(stage, run)
    first = words.moment(own[0]["checked_at"]) if own else ""
    champion = bool(version) and version in promoted(stage, model)
    return Trained(stage.name, run, version, first, estimates, tuple(last.values()), champion)


def _registered(stage: Stage, mlflow_run: str) -> str:
    """The version that the job run which trained `mlflow_run` registered, from its tasks' values."""
    for run in stage.runs:
        train, register = run.task("train"), run.task("register")
        if train and register and train.values.get("run_id") == mlflow_run:
            return register.values.get("model_version", "")
    return ""


def promoted(stage: Stage, model: str) -> list[str]:
    """The versions that a promotion made champion, oldest first."""
    found = [run for run in stage.runs if run.job == f"{model}_promote" and became_champion(run)]
    return [run.parameters.get("model_version", "") for run in found]


def became_champion(run: Run) -> bool:
    """Whether a promotion's run went as far as the alias."""
    task = run.task("promote")
    return task is not None and words.state(task.state) == "succeeded"


def records(stage: Stage, model: str) -> list[Row]:
    """The validations of a model in a stage, newest first."""
    found = stage.tables.rows("ml.validation_record") or []
    mine = (row for row in found if row.get("model") == model)
    return sorted(mine, key=lambda row: row["recorded_at"], reverse=True)


def curve(stage: Stage, model: str, run: str, name: str) -> list[Row]:
    """The points of a curve of one training run, in their order along x."""
    rows = stage.tables.rows(f"{model}.curve", where=[("mlflow_run_id", "=", run), ("curve", "=", name)]) or []
    return sorted(rows, key=lambda row: (row["x"], row["y"]))


def bins(rows: Iterable[Row]) -> list[charts.Bin]:
    """Calibration points of which the number of encounters is known."""
    told = [row for row in rows if row["encounters"] is not None and not words.is_small(row["encounters"])]
    return [charts.Bin(row["x"], row["y"], row["encounters"]) for row in told]


@dataclass(frozen=True)
class Step:
    """What is left after one rule of the cohort, and what the rule left out; as shown."""

    reason: str
    encounters: str
    persons: str
    left_out: str


def attrition(stage: Stage, model: str) -> list[Step] | None:
    """The cohort's steps of the last run that wrote them, as they were released: the table holds no other counts."""
    rows = stage.tables.rows(f"{model}.attrition")
    if not rows:
        return None
    last_job = max(rows, key=lambda row: _as_number(row["job_run_id"]))["job_run_id"]
    steps, before = [], None
    for row in sorted((row for row in rows if row["job_run_id"] == last_job), key=lambda row: row["step"]):
        if row["encounters"] is None:
            steps.append(Step(row["reason"], words.NOTHING, words.NOTHING, WITH_NEXT))
            continue
        out = "" if before is None else f"{before - row['encounters']:,}"
        steps.append(Step(row["reason"], f"{row['encounters']:,}", words.kept_back(row["persons"]), out))
        before = row["encounters"]
    return steps


WITH_NEXT = "with the next rule"


def _as_number(run: object) -> tuple[int, str]:
    return (int(str(run)), "") if str(run).isdigit() else (-1, str(run))


@dataclass(frozen=True)
class Subgroup:
    """A line of the table by subgroup, as shown."""

    name: str
    encounters: str
    events: str
    auroc: str
    auroc_interval: str
    ratio: str
    ratio_interval: str


def subgroups(model: Trained) -> list[Subgroup]:
    """Subgroups of the split by persons in the order of their names; of a small one only the name is shown."""
    lines = []
    for (split, subgroup), metrics in sorted(model.estimates.items()):
        if split != "person" or subgroup == "all":
            continue
        first, auroc, ratio = next(iter(metrics.values())), metrics.get("auroc"), metrics.get("observed_over_expected")
        open_ = first.shown
        lines.append(
            Subgroup(
                name=subgroup.replace("=", ": ", 1).replace("_", " "),
                encounters=words.count(first.encounters),
                events=words.count(first.events),
                auroc=words.number(auroc.value if auroc and open_ else None),
                auroc_interval=words.interval(auroc.low, auroc.high) if auroc and open_ else "",
                ratio=words.number(ratio.value if ratio and open_ else None, 2),
                ratio_interval=words.interval(ratio.low, ratio.high, 2) if ratio and open_ else "",
            )
        )
    return lines
