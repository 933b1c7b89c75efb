"""The page about a source's data: every check of every table, and what the covariates look like by month and group."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report import covariates, words
from report import model as models
from report.rendering import render, written
from report.stores import Row, Run, Stage
from report.workspace import Workspace, read_stage

STATES = ("error", "failed", "not applicable", "passed")
MEANINGS = {
    "error": "it could not be run", "failed": "more rows break it than it allows",
    "not applicable": "it speaks of no row", "passed": "it was run and holds",
}  # fmt: skip
SEVERITIES = ("fatal", "convention", "characterization")
# The checks of a column of codes, by the end of their ids; what none of them counts is a leaf.
OF_CODES = {
    "header": "Header", "unknown": "Unknown", "wrong_vocabulary": "Another vocabulary's", "format": "No code's form",
    "spelling": "Another spelling", "retired": "Retired", "not_assessable": "Not known here",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """The newest checks of one version of a table, those that need a look first.

    stale: what is there instead of that version, in words; empty where it is the newest.
    """

    name: str
    version: int | None
    checked_at: str
    run: str
    rows: int | None
    checks: tuple[Row, ...]
    stale: str = ""

    def count(self, state: str) -> int:
        """How many checks have a state."""
        return sum(check["state"] == state for check in self.checks)

    @property
    def attention(self) -> bool:
        """Whether any check needs a look."""
        return bool(self.count("error") + self.count("failed"))

    @property
    def stops(self) -> bool:
        """Whether nothing may be made from what was checked."""
        return any(c["severity"] == "fatal" and c["state"] in ("failed", "error") for c in self.checks)

    @property
    def told(self) -> str:
        """How many checks have which state."""
        return ", ".join(f"{self.count(state)} {state}" for state in STATES if self.count(state))


def tables(
    stage: Stage, source: str, models_of_source: Collection[str], declared: Collection[str] | None = None
) -> list[Table]:
    """Each table's newest checks; curated tables first, then the facts; none of a table that nothing makes any more.

    declared: what the source is delivered and made as; all that was checked where nobody says.
    """
    apart, known = f"{source}_ra.feature_", {f"{source}_ra.feature_{name}" for name in models_of_source}
    every = stage.tables.rows(f"{source}_ra.quality") or []
    # As an approval leaves out what is in no report.
    kept = {
        name
        for name in {row["table"] for row in every}
        if (
            name in known and stage.tables.there(name)
            if name.startswith(apart)
            else declared is None or name in declared
        )
    }
    rows = [row for row in every if row["table"] in kept]
    newest: dict[str, Any] = {}
    for row in rows:
        newest[row["table"]] = max(row["checked_at"], newest.get(row["table"], row["checked_at"]))
    found = []
    for name in sorted(newest, key=lambda one: (not one.startswith(f"{source}."), one)):
        some = [row for row in rows if row["table"] == name and row["checked_at"] == newest[name]]
        some.sort(key=lambda row: (STATES.index(row["state"]), SEVERITIES.index(row["severity"]), row["check_id"]))
        first = some[0]
        found.append(
            Table(
                name, first["table_version"], words.moment(newest[name]), first["job_run_id"], first["table_rows"],
                tuple(some), since(stage, name, first["table_version"]),
            )
        )  # fmt: skip
    return found


def since(stage: Stage, table: str, checked: int | None) -> str:
    """What is there instead of the version of a table that was checked; empty where nothing else is."""
    newest = stage.tables.version(table)
    was = "no table was there when it was checked" if checked is None else f"version {checked} was checked"
    if newest is None:
        return "" if checked is None else f"it is not there any more, {was}"
    # Upkeep makes versions too, of the same rows.
    same = checked is not None and stage.tables.made(table, newest) == stage.tables.made(table, checked)
    return "" if same else f"version {newest} is there, {was}"


def failure(stage: Stage, jobs: Collection[str]) -> list[Run]:
    """Of each job that makes tables of the source, the newest run that ended, where it failed."""
    found = []
    for job in jobs:
        ended = (run for run in reversed(stage.runs) if run.job == job and words.kind(words.state(run.state)) != "busy")
        last = next(ended, None)
        if last is not None and words.kind(words.state(last.state)) == "bad":
            found.append(last)
    return found


def coded(found: Sequence[Table]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Each column of codes: its name, how many rows have a code, and of these the share of leaves and of each fault."""
    columns: dict[tuple[str, str], dict[str, Row]] = {}
    for table in found:
        for check in table.checks:
            column, marked, fault = check["check_id"].rpartition("_codes_")
            if marked and fault in OF_CODES:
                columns.setdefault((table.name, column), {})[fault] = check
    made = []
    for (table_name, column), checks in sorted(columns.items()):
        of = max((check["rows_checked"] for check in checks.values() if check["rows_checked"]), default=None)
        # Reports from before a check was there have no row of it.
        faults = [check["rows_at_fault"] for check in checks.values() if check["state"] != "not applicable"]
        known = of is not None and checks["header"]["state"] != "not applicable" and None not in faults
        leaves = words.share(1 - sum(faults) / of) if known else words.NOTHING
        shares = (
            words.NOTHING
            if fault not in checks
            else checks[fault]["state"]
            if checks[fault]["state"] == "not applicable"
            else words.share(checks[fault]["share"])
            for fault in OF_CODES
        )
        made.append((f"{table_name}.{column}", words.kept_back(of), (leaves, *shares)))
    return made


@dataclass(frozen=True)
class Approval:
    """The last word on a source's data.

    state: "approved", or "stale" where the report says something else by now (of the tables `changed`), or where tables
    are not those that it speaks of.
    """

    state: str
    by: str
    at: str
    reason: str
    changed: tuple[str, ...]


def approval(stage: Stage, source: str, found: Sequence[Table]) -> Approval | None:
    """The newest approval of a source's report, held against what is in it now; None where there is none."""
    rows = [row for row in stage.tables.rows("ml.data_approval") or [] if row["source"] == source]
    if not rows:
        return None
    last = max(rows, key=lambda row: row["approved_at"])
    approved, now = json.loads(last["tables"]), {one.name: one.checks[0]["findings"] for one in found}
    changed = tuple(sorted(name for name in now if approved.get(name) != now[name]))
    stale = changed or any(one.stale for one in found)
    state, at = "stale" if stale else "approved", words.moment(last["approved_at"])
    return Approval(state, last["approved_by"], at, last["reason"], changed)


def sentence(found: Sequence[Table]) -> str:
    """What was found, in one sentence."""
    states = {state: sum(one.count(state) for one in found) for state in STATES}
    stopping, stale = [one.name for one in found if one.stops], [one.name for one in found if one.stale]
    total = sum(states.values())
    told = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
    fatal = f"; nothing may be made from {', '.join(stopping)}" if stopping else "" if stale else "; nothing is fatal"
    end = fatal + (f"; what is there now is not checked: {', '.join(stale)}" if stale else "")
    return f"{total:,} checks of {len(found)} tables: {told}{end}."


def page(
    stage: Stage,
    source: str,
    models_of_source: Sequence[str],
    *,
    synthetic: bool,
    declared: Collection[str] | None = None,
) -> str:
    """The page as text; what is not there yet is said. declared: as of `tables`."""
    found = tables(stage, source, models_of_source, declared)
    described, undescribed = covariates.described(stage, source, {one.name: (one.version, one.stops) for one in found})
    return render(
        "quality.html.j2",
        source=source,
        stage=stage.name,
        synthetic=synthetic,
        states=STATES,
        meanings=MEANINGS,
        sentence=sentence(found) if found else "",
        tables=found,
        coded=coded(found),
        of_codes=tuple(OF_CODES.values()),
        failed=failure(stage, [f"{name}_featurize" for name in (source, *models_of_source)]),
        described=described,
        undescribed=undescribed,
        approved=approval(stage, source, found),
        attrition={name: models.attrition(stage, name) for name in models_of_source},
        readable=covariates.readable,
        mean=covariates.mean,
    )


def build(
    workspace: Workspace,
    stage: str,
    source: str,
    models_of_source: Sequence[str],
    output: Path,
    *,
    synthetic: bool,
    declared: Collection[str] | None = None,
) -> Path:
    """Write the page about a source in a stage to `output` and return it."""
    read = read_stage(stage, workspace, None)
    return written(page(read, source, models_of_source, synthetic=synthetic, declared=declared), output)
