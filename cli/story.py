"""The demo's story: one declared model from code to a scored and monitored table, through three stages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cli import summary
from cli.house import House
from cli.stage import Stage
from cli.steps import Ahead, Done, Note, Step
from report import story as report_story
from sandbox.runs import Run, Runs
from workflows.declare import Model
from workflows.source import Source

STAGES = ("dev", "validation", "prod")
MATURE = "their labels mature"
TRAINED_THROUGH = "0.9"
"""Share of the encounter order whose outcomes are known when the stages train; the rest is scored, then matures."""


@dataclass(frozen=True)
class Approvals:
    """People's decisions, which a demo must be told: they are parameters, shown as such."""

    ml_engineer: str = "ml.engineer@agency.example"
    analyst: str = "data.science.analyst@agency.example"


def deployed(stage: Stage, say: Callable[[str], None]) -> int:
    """Deploy what is synthesized and start the servers; how many resources a second plan would change."""
    stage.warm_up()
    stage.deploy(say, synthesized=True)
    return stage.changes()


@dataclass
class Story:
    """What happens, in order; `learned` is filled as it happens."""

    house: House
    source: Source
    model: Model
    folder: Path | None
    seed: int
    change: str
    persons: int
    approvals: Approvals = field(default_factory=Approvals)
    learned: dict[str, Any] = field(default_factory=lambda: {"stages": {}})
    done: list[Done] = field(default_factory=list, init=False)
    _trained: dict[str, Any] = field(default_factory=dict, init=False)
    _new_version: str | None = field(default=None, init=False)
    _background: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1), init=False)
    _ahead: dict[tuple[str, str], Ahead] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.stages = {name: Stage(self.house, name) for name in STAGES}

    @property
    def synthetic(self) -> bool:
        """Whether the source data are made here."""
        return self.folder is None

    @property
    def beginning(self) -> tuple[tuple[str, Callable[[Stage, Note], None]], ...]:
        """What every stage begins with."""
        return (
            ("deploy with terraform", self.deploy),
            ("deliver curated data", self.deliver),
            ("featurize", self.featurize),
        )

    def steps(self) -> list[Step]:
        """Every step with its title."""
        data = f"generate {self.persons:,} synthetic persons" if self.synthetic else f"recognise {self.source.name}"
        steps = [Step("synthesize three stacks", self.synthesize), Step(data, self.data)]
        for name in STAGES:
            steps += [self.on(name, did, act) for did, act in self.beginning]
            if name == "dev":
                steps.append(self.on(name, "train on a person sample", self.train))
                steps.append(self.on(name, "stop its servers", self.stop))
            if name == "validation":
                steps.append(self.on(name, "validate the method", self.validate))
        return [
            *steps,
            self.on("prod", "train the production model", self.train),
            self.on("prod", "judge and promote", self.promote),
            self.on("prod", "score the newest encounters", self.score),
            self.on("prod", MATURE, self.mature_everywhere),
            self.on("prod", "monitor, retrain if it says so", self.monitor),
            self.on("validation", MATURE, self.mature),
            self.on("validation", "validate the method again", self.validate_again),
            self.on("validation", "stop its servers", self.stop),
            self.on("prod", "promote the new version", self.promote_new),
            self.on("prod", "stop its servers", self.stop),
            Step("write the report", self.report),
        ]

    def on(self, name: str, did: str, act: Callable[[Stage, Note], None]) -> Step:
        """A step that happens in a stage, or that the background has begun already."""

        def do(note: Note) -> None:
            ahead = self._ahead.get((name, did))
            act(self.stages[name], note) if ahead is None else ahead.wait(note)

        return Step(did, do, stage=name)

    def close(self) -> None:
        """End every server that still runs."""
        self._background.shutdown(cancel_futures=True)
        for stage in self.stages.values():
            stage.close()

    def synthesize(self, note: Note) -> None:
        """`python -m infra`: stacks, wheel, canonical declarations."""
        terraform = self.stages["dev"].terraform
        command = [sys.executable, "-m", "infra", *STAGES]
        subprocess.run(command, cwd=self.house.root, env=terraform.environment(), check=True)
        note.found = f"cdktf.out, dist; {self.model.name} on {self.source.name}"

    def data(self, note: Note) -> None:
        """Synthetic source data, or the folder as it is."""
        if self.folder is not None:
            note.found = f"{self.source.title} in {self.folder.name}"
            return
        from synthetic.generate import generate

        generate(self.delivered, persons=self.persons, seed=self.seed, change=self.change)
        note.found = f"seed {self.seed}, change: {self.change}"

    @property
    def delivered(self) -> Path:
        """The folder the stages' curated data come from."""
        return self.folder if self.folder is not None else self.house.home / "source"

    def deploy(self, stage: Stage, note: Note) -> None:
        """Apply the stage's stack, then plan again: nothing may be left to change."""
        plan = deployed(stage, note.now)
        resources = stage.resources()
        self.learned["stages"][stage.name] = {"resources": resources, "second_plan_changes": plan}
        note.found = f"{resources} resources, second plan: {plan} changes"

    def prepare(self, stage: Stage) -> None:
        """Begin the later stages in the background, one after the other: what a stage runs leaves a core idle."""
        for name in STAGES[STAGES.index(stage.name) + 1 :]:
            for did, act in self.beginning:
                self._ahead[name, did] = Ahead(self._background, partial(act, self.stages[name]))

    def deliver(self, stage: Stage, note: Note) -> None:
        """Stand for the data manager, who delivers the curated tables."""
        rows = stage.deliver(self.source, self.delivered)
        note.found = f"{len(rows)} tables: {', '.join(rows)}"

    def featurize(self, stage: Stage, note: Note, through: str = TRAINED_THROUGH) -> None:
        """Facts of the source, then features of the model."""
        if not self._ahead:
            self.prepare(stage)
        stage.run(f"{self.source.name}_featurize", note.now, outcomes_through=through)
        stage.run(f"{self.model.name}_featurize", note.now)
        zone = stage.zone(self.model.name)
        note.found = summary.told(summary.eligible_encounters(zone))

    def train(self, stage: Stage, note: Note) -> None:
        """Prepare, tune, train, evaluate, register."""
        run = stage.run(f"{self.model.name}_train", note.now)
        version = str(run.tasks["register"].values["model_version"])
        mlflow_run = str(run.tasks["train"].values["run_id"])
        zone = stage.zone(self.model.name)
        found = {"version": version} | summary.evaluation(zone, mlflow_run)
        found["gates"] = summary.gates(zone, mlflow_run, "evaluate")
        self.learned["stages"][stage.name]["model"] = found
        self._trained = found | {"run": mlflow_run}
        auroc = f"AUROC {found['auroc']:.3f} ({found['auroc_low']:.3f} to {found['auroc_high']:.3f})"
        note.found = f"version {version}: {auroc}; {told_gates(found['gates'])}"

    def validate(self, stage: Stage, note: Note) -> None:
        """The validation workflow: the method on this stage's feature store, in an experiment of its own."""
        stage.run(f"{self.model.name}_validate", note.now)
        record = summary.newest(stage.zone("ml").rows("validation_record"), "recorded_at")[0]
        self.learned["stages"][stage.name]["validation_record"] = {k: record[k] for k in ("auroc", "passed")}
        gates = told_gates(summary.gates(stage.zone(self.model.name), record["mlflow_run_id"], "evaluate"))
        note.found = f"validation record written: AUROC {record['auroc']:.3f}; {gates}"

    def validate_again(self, stage: Stage, note: Note) -> None:
        """What monitoring found makes the record stale: the method that was retrained is validated on what is new."""
        if self._new_version is None:
            note.found = "no new version to validate for"
            return
        self.validate(stage, note)

    def promote(self, stage: Stage, note: Note) -> None:
        """Judge the production model's gates; with people's approvals it becomes champion."""
        zone = stage.zone(self.model.name)
        version = self._trained["version"]
        self._promoted(stage, note, version)
        self.learned["model"] = {
            "name": self.model.name,
            **{key: value for key, value in self._trained.items() if key != "run"},
            "eligible_encounters": summary.eligible_encounters(zone),
            "persons_in_both_sides": summary.persons_in_both_sides(zone),
            "gates": summary.gates(zone, self._trained["run"], "judge"),
        }

    def _promoted(self, stage: Stage, note: Note, version: str) -> bool:
        """Run the promotion job; whether the version became champion."""
        run = stage.run(
            f"{self.model.name}_promote", note.now,
            model_version=version, approved_by=self.approvals.ml_engineer, validated_by=self.approvals.analyst,
        )  # fmt: skip
        promoted = run.tasks["promote"].result == "SUCCESS"
        note.found = f"version {version} is champion" if promoted else f"version {version} did not pass its gates"
        people = f"{self.approvals.ml_engineer}, validated by {self.approvals.analyst}: parameters of this demo"
        note.by = people if promoted else ""
        return promoted

    def score(self, stage: Stage, note: Note) -> None:
        """Score the encounters whose outcome nobody knows yet."""
        stage.run(f"{self.model.name}_score", note.now)
        self.learned["predictions"] = summary.predictions(stage.zone(self.model.name), self._trained["version"])
        note.found = "{rows:,} predictions, {rows_with_complete_lineage:,} with complete lineage".format(
            **self.learned["predictions"]
        )

    def mature(self, stage: Stage, note: Note) -> None:
        """Time passes: the outcomes of the scored encounters are known."""
        self.featurize(stage, note, through="1.0")

    def mature_everywhere(self, stage: Stage, note: Note) -> None:
        """Time passes in the validation stage too, in the background."""
        other = self.stages["validation"]
        self._ahead[other.name, MATURE] = Ahead(self._background, partial(self.mature, other))
        self.mature(stage, note)

    def monitor(self, stage: Stage, note: Note) -> None:
        """Compare what came with what was expected; the deployed job's own condition starts retraining."""
        run = stage.run(f"{self.model.name}_monitor", note.now)
        signal = run.tasks["observe"].values["signal"]
        retrained = run.tasks["retrain"].result == "SUCCESS"
        self._new_version = self._judged(stage) if retrained else None
        self.learned["monitor"] = {
            "signal": signal, "retrain_started": retrained, "new_version": self._new_version,
        }  # fmt: skip
        note.found = f"{signal or 'no signal'}: " + (
            f"retrained to version {self._new_version}" if retrained else "no retraining"
        )

    def _judged(self, stage: Stage) -> str:
        """The version that the newest retraining made and judged."""
        retraining = next(run for run in reversed(ordered(stage)) if run.job_name == f"{self.model.name}_retrain")
        judge = next(task for task in Runs(stage.workspace).tasks(retraining.run_id) if task.task_key == "judge")
        return str(judge.values["model_version"])

    def promote_new(self, stage: Stage, note: Note) -> None:
        """The new version is judged against the champion, and follows it only if it passes."""
        if self._new_version is None:
            note.found = "nothing to promote"
            return
        self.learned["monitor"]["promoted"] = self._promoted(stage, note, self._new_version)

    def stop(self, stage: Stage, _: Note) -> None:
        """Free the memory of a stage whose part is done."""
        stage.close()

    def report(self, note: Note) -> None:
        """One page of everything above."""
        from report.build import build

        build(
            {name: stage.workspace for name, stage in self.stages.items()},
            {name: stage.stack for name, stage in self.stages.items()},
            self.model.name,
            self.source.name,
            self.house.report,
            synthetic=self.synthetic,
            question=self.model.question,
            story=[told(one) for one in self.done],
        )
        note.found = shown(self.house.report)


def told(one: Done) -> report_story.Step:
    """A finished step, as the report tells it."""
    return report_story.Step(one.step.stage, one.step.did, one.note.found, one.note.by, one.seconds)


def shown(path: Path) -> str:
    """A path as a person would type it from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def ordered(stage: Stage) -> list[Run]:
    """The stage's runs, oldest first."""
    return sorted(Runs(stage.workspace).all(), key=lambda run: run.run_id)


def told_gates(gates: dict[str, str]) -> str:
    """How many gates are in which state, such as `gates: 3 passed, 1 not assessable`."""
    states = list(gates.values())
    known = [state for state in ("passed", "failed", "not assessable") if state in states]
    return "gates: " + ", ".join(f"{states.count(state)} {state}" for state in known)
