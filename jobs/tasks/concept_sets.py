"""The project's concept sets, held against reference data, into `ml.concept_sets`; what is there already stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.tasks.codes import known_of, loaded
from jobs.tasks.reference import declared
from workflows.concept_sets import collections, in_version, lines, resolved
from workflows.rules import FATAL

TABLE, FINDINGS = "ml.concept_sets", "ml.concept_set_findings"
KEY = ("collection", "concept_set_name", "version", "vocabulary_id", "concept_code")
SCHEMA = (
    "collection string, concept_set_name string, version long, vocabulary_id string, concept_code string, "
    "valid_start_date date, valid_end_date date"
)
FINDINGS_SCHEMA = (
    "job_run_id string, collection string, check_name string, check_version long, severity string, line long, "
    "concept_set_name string, version long, vocabulary_id string, code string, detail string"
)
# A set in a version, of a collection: what is published once and for all.
Edition = tuple[str, str, int]
Row = tuple[Any, ...]


def concept_sets() -> None:
    """Entry point."""
    run(_concept_sets)


def _concept_sets(task: Task) -> None:
    from jobs.codes.check import CHECKS, report

    names = declared(task).collections or collections()
    held = {name: lines(name) for name in names}
    codes = {line.concept.code for rows in held.values() for line in rows}
    vocabularies = {line.concept.vocabulary_id for rows in held.values() for line in rows}
    inputs = loaded(task)
    known = known_of(task, inputs, vocabularies, codes) if inputs else None
    if known is None:
        task.log("no reference data are loaded: which codes exist is not known")
    # Every version is loaded, the newest is judged: older ones have been, and reference data forget.
    reports = [report(name, in_version(rows), known) for name, rows in held.items()]
    rows = [
        (
            task.job_run_id, one.collection, found.check, CHECKS[found.check].version, found.severity, found.line,
            found.concept.concept_set_name, found.concept.version, found.concept.vocabulary_id, found.concept.code,
            found.detail,
        )
        for one in reports
        for found in one.findings
    ]  # fmt: skip
    if rows:
        task.tables.append(FINDINGS, task.spark.createDataFrame(rows, FINDINGS_SCHEMA), inputs)
    for one in reports:
        task.log(one.summary())
    fatal = [
        f"{one.collection}:{found.line} {found.check} {found.concept.vocabulary_id} {found.concept.code}"
        for one in reports
        for found in one.findings
        if found.severity == FATAL
    ]
    if fatal:
        raise TaskError(f"concept sets have fatal findings, nothing was written: {'; '.join(fatal)}")
    publish(task, {name: resolved(rows, name) for name, rows in held.items()}, inputs)


def publish(task: Task, concepts: Mapping[str, Iterable[Any]], inputs: Mapping[str, int]) -> None:
    """Merge the editions that are new; an edition that is there with other codes is refused."""
    given: dict[Edition, set[Row]] = {}
    for collection, some in concepts.items():
        for one in some:
            row = (
                collection, one.concept_set_name, one.version, one.vocabulary_id, one.code, one.valid_start_date,
                one.valid_end_date,
            )  # fmt: skip
            given.setdefault(row[:3], set()).add(row)
    published: dict[Edition, set[Row]] = {}
    if task.tables.exists(TABLE):
        for row in task.tables.read(TABLE).collect():
            published.setdefault(tuple(row)[:3], set()).add(tuple(row))
    changed = sorted(edition for edition in given.keys() & published.keys() if given[edition] != published[edition])
    if changed:
        said = "; ".join(
            f"{collection}: {name} version {version} ({len(given[one] ^ published[one])} codes differ)"
            for one in changed
            for collection, name, version in [one]
        )
        raise TaskError(f"{said}: loaded with other codes already; give the changed list the next version")
    new = sorted(row for edition in given.keys() - published.keys() for row in given[edition])
    if not new:
        task.log(f"{TABLE} holds every version already")
        return
    version = task.tables.merge(TABLE, task.spark.createDataFrame(new, SCHEMA), KEY, inputs)
    task.log(f"{TABLE} is at version {version}: {len(new):,} codes are new")
