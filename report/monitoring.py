"""What monitoring saw over time, and what it started."""

from __future__ import annotations

from dataclasses import dataclass

from report import charts, words
from report.model import Trained
from report.stores import Row, Run, Stage

WHOLE = 0  # the block number that stands for the whole scored slice


@dataclass(frozen=True)
class Covariate:
    """One covariate's standardised mean difference, and whether it is beyond its bound."""

    name: str
    value: float
    beyond: bool


@dataclass(frozen=True)
class Watched:
    """One observation of one version by the monitor."""

    version: str
    observed_at: str
    points: tuple[charts.Point, ...]  # oldest block first
    rows: tuple[Row, ...]  # of observed over expected, the whole slice first
    covariates: tuple[Covariate, ...]  # largest difference first
    signals: tuple[str, ...]
    started: tuple[Run, ...]

    @property
    def signal(self) -> str:
        """The signals in words."""
        return " and ".join(self.signals) or "none"


def observed(stage: Stage, model: str) -> list[Watched] | None:
    """What each run of the monitor saw, oldest first; null where monitoring has not run yet."""
    rows = stage.tables.rows(f"{model}.monitoring")
    if not rows:
        return None
    rows.sort(key=lambda row: str(row["observed_at"]))
    return [_one(stage, run, rows) for run in dict.fromkeys(row["job_run_id"] for row in rows)]


def _one(stage: Stage, run: str, rows: list[Row]) -> Watched:
    own = [row for row in rows if row["job_run_id"] == run]
    ratios = sorted((row for row in own if row["measure"] == "observed_over_expected"), key=lambda row: row["block"])
    differences = [row for row in own if row["measure"] == "standardised_mean_difference" and row["value"] is not None]
    block = (
        WHOLE
        if any(row["block"] == WHOLE for row in differences)
        else max((r["block"] for r in differences), default=0)
    )
    covariates = [
        Covariate(row["name"], row["value"], row["state"] == "signal") for row in differences if row["block"] == block
    ]
    points = [
        charts.Point(row["block"], row["value"], row["low"], row["high"], row["state"])
        for row in ratios
        if row["block"] != WHOLE
        and row["value"] is not None
        and not words.is_small(row["events"])
        and not words.is_small(row["encounters"])
    ]
    return Watched(
        version=str(own[0]["model_version"]),
        observed_at=words.moment(own[0]["observed_at"]),
        points=tuple(points),
        rows=tuple(ratios),
        covariates=tuple(sorted(covariates, key=lambda one: (-abs(one.value), one.name))),
        signals=tuple(_signals(own)),
        started=tuple(descendants(stage, str(run))),
    )


def _signals(rows: list[Row]) -> list[str]:
    """The kinds of signal that speak now: an older block alone is history."""
    newest = max((row["block"] for row in rows if row["measure"] == "observed_over_expected"), default=WHOLE)
    now = [r for r in rows if r["measure"] != "observed_over_expected" or r["block"] in (WHOLE, newest)]
    return sorted({row["signal"] for row in now if row["signal"]})


def descendants(stage: Stage, run_id: str) -> list[Run]:
    """The runs that a run started, and those that these started, in order."""
    found: list[Run] = []
    for run in stage.runs:
        if run.started_by and run.started_by in {run_id, *(one.run_id for one in found)}:
            found.append(run)
    return found


def retrained(watched: list[Watched] | None, versions: list[Trained]) -> Trained | None:
    """The newest registered version that is newer than the one under watch when the signal came."""
    signalled = [one for one in watched or [] if one.signals]
    if not signalled:
        return None
    under_watch = next((index for index, one in enumerate(versions) if one.version == signalled[0].version), None)
    newer = [one for one in versions[under_watch + 1 :] if one.version] if under_watch is not None else []
    return newer[-1] if newer else None
