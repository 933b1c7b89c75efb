"""`fact_person` that keeps what was known when: changes of curated tables are applied, in batches or by a stream."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jobs.digest import digest
from jobs.errors import TaskError
from jobs.featurize.withdrawal import TOMBSTONES, kept
from jobs.io.context import Task
from jobs.io.tables import Provenance, Tables
from workflows.declare import Continuous, Featurization
from workflows.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ANEW = "run the job with rebuild=true to make the table anew from what the source says now"
# What every commit of such a table says again.
KEPT = ("made_by", "base", "began")


def mapping(source: Source, person_sample: float) -> str:
    """A hash of what makes facts of a source's rows."""
    return digest(source, person_sample)


def note(source: Source, person_sample: float, inputs: Mapping[str, int]) -> dict[str, Any]:
    """What a commit that makes the table anew says of itself: by which mapping, a name that its updates keep, and from
    which versions on they follow."""
    return {"made_by": mapping(source, person_sample), "base": uuid.uuid4().hex, "began": dict(inputs)}


def brought_up(task: Task, source: Source, person_sample: float) -> bool:
    """Apply what the source's commits changed since the last time; False where the table is to be made anew."""
    declared, name = task.declaration, f"{source.name}_ra.fact_person"
    if not isinstance(declared, Featurization) or not declared.history:
        return False
    if task.parameters.get("rebuild", "false") == "true" or not task.tables.exists(name):
        return False
    said = task.tables.commits.noted(name, "made_by")
    if not said:
        return False
    if said["made_by"] != mapping(source, person_sample):
        raise TaskError(f"{name} was made by another mapping or from another sample of persons; {ANEW}")
    applied: dict[str, int] = said["inputs"]
    events = {kind.table for kind in source.events}
    newest = task.tables.inputs(*(f"{source.name}.{table}" for table in source.made_from["fact_person"]))
    new = [table for table in sorted(events) if moved(f"{source.name}.{table}", applied, newest)]
    goes_on(task, source, new, applied, newest)
    joined_alike(task, source, events, applied, newest)
    if not new:
        task.log(f"{name} has everything that its source has")
    elif isinstance(declared.updates, Continuous):
        streamed(task, source, name, new, said, person_sample)
    else:
        feeds = {
            table: task.tables.changes(full, applied[full] + 1, newest[full])
            for table, full in ((table, f"{source.name}.{table}") for table in new)
        }
        version = applied_to(task.tables, source, name, feeds, newest, said, person_sample)
        task.log(f"{name} is at version {version}, with the changes of {', '.join(new)}")
    return True


def moved(name: str, applied: Mapping[str, int], newest: Mapping[str, int]) -> bool:
    """Whether a table has commits that were not applied; raises where it has fewer than were."""
    if name not in applied or newest[name] < applied[name]:
        raise TaskError(f"{name} was made again and has no version {applied.get(name)} any more; {ANEW}")
    return newest[name] > applied[name]


def goes_on(task: Task, source: Source, new: list[str], applied: Mapping[str, int], newest: Mapping[str, int]) -> None:
    """Raise where the schema of a table changed in a way that its contract does not take."""
    from jobs.featurize.changes import refused

    for table in new:
        name = f"{source.name}.{table}"
        before, after = (task.tables.read(name, versions[name]).schema for versions in (applied, newest))
        if found := refused(before, after, source.contract(table)):
            raise TaskError(f"{name}: {'; '.join(found)}; {source.name}_ra.fact_person stays as it is; {ANEW}")


def joined_alike(
    task: Task, source: Source, events: set[str], applied: Mapping[str, int], newest: Mapping[str, int]
) -> None:
    """Raise where a table that is only joined says something else than it did: any fact may be another then."""
    for name in sorted(newest):
        if name.partition(".")[2] in events or not moved(name, applied, newest):
            continue
        then, now = task.tables.read(name, applied[name]), task.tables.read(name, newest[name])
        if then.columns != now.columns or not then.exceptAll(now).isEmpty() or not now.exceptAll(then).isEmpty():
            raise TaskError(f"{name}, which is joined to the events of {source.name}, changed; {ANEW}")


def applied_to(
    tables: Tables, source: Source, name: str, feeds: Mapping[str, DataFrame], inputs: Mapping[str, int],
    said: Mapping[str, Any], person_sample: float,
) -> int:  # fmt: skip
    """Apply what the change feeds of curated tables say, in one commit; its version."""
    from pyspark.errors import PySparkException

    from jobs.featurize.changes import REPEATED, changes, signed
    from jobs.featurize.columns import typed

    joined = {join.table for kind in source.events for join in kind.joins}
    others = {
        table: typed(tables.read(f"{source.name}.{table}", inputs[f"{source.name}.{table}"]), source.contract(table))
        for table in sorted(joined)
    }
    closed = tables.read(name).where("known_to IS NOT NULL").select("fact_id")
    marks, frame, spans = f"{source.name}_ra.{TOMBSTONES}", None, list[Any]()
    try:
        for table, feed in feeds.items():
            rows = signed(feed, source.contract(table))
            if tables.exists(marks):
                rows = kept(rows, tables.read(marks), source, table)
            one = changes(rows, others, source, table, person_sample=person_sample, closed=closed)
            frame = one if frame is None else frame.unionByName(one)
            span = "CASE WHEN bool_and(_came) THEN struct(min(_version) AS first, max(_version) AS last) END AS span"
            row = rows.selectExpr(span).first()
            spans.append(row["span"] if row else None)
        assert frame is not None
        # Where rows only came, older facts need not be looked at; where each feed is one commit, none is closed again.
        came = [span for span in spans if span is not None]
        since = min(span["first"] for span in came) if len(came) == len(spans) else None
        once = since is not None and all(span["first"] == span["last"] for span in came)
        of = {key: said[key] for key in KEPT}
        return tables.amend(name, frame, inputs, of, since=since, once=once)
    except PySparkException as error:
        of_feeds = ", ".join(f"{source.name}.{table}" for table in feeds)
        if REPEATED in str(error):
            raise TaskError(f"{of_feeds}: {REPEATED} it, so that its facts have no history; {ANEW}") from None
        if "DELTA_CHANGE_DATA_FEED_INCOMPATIBLE" in str(error):
            raise TaskError(
                f"the schema of {of_feeds} changed and changed back since {name} was brought up; {ANEW}"
            ) from None
        if "DELTA_MISSING_CHANGE_DATA" in str(error):
            raise TaskError(
                f"{of_feeds} did not record changes; set delta.enableChangeDataFeed on it, then {ANEW}"
            ) from None
        raise


def streamed(
    task: Task, source: Source, name: str, new: list[str], said: Mapping[str, Any], person_sample: float
) -> None:  # fmt: skip
    """The same by a stream a table, which ends when it has caught up."""
    from jobs.io.streams import follow

    before, who = task.tables.version(name), task.tables.provenance
    for table in new:
        full = f"{source.name}.{table}"
        checkpoint = f"{name}/{table}/{said['base']}"
        # Always the same: a stream that does its last batch again refuses to begin after it.
        follow(task, full, said["began"][full] + 1, checkpoint, batch_of(who, source, name, table, person_sample))
    written = task.tables.note_since(name, before)
    task.log(f"{name} is at version {task.tables.version(name)}, after {written} commits from {', '.join(new)}")


def batch_of(who: Provenance, source: Source, name: str, table: str, person_sample: float):  # type: ignore[no-untyped-def]
    """What a stream does with each batch of commits; it runs in a process of its own."""

    def each(feed: DataFrame, _number: int) -> None:
        last = feed.selectExpr("max(_commit_version) AS last").first()
        if last is None or last["last"] is None:
            return
        tables = Tables(lambda: feed.sparkSession, who)
        said = tables.commits.noted(name, "made_by")
        full = f"{source.name}.{table}"
        inputs = said["inputs"] | {full: max(said["inputs"][full], int(last["last"]))}
        applied_to(tables, source, name, {table: feed}, inputs, said, person_sample)

    return each
