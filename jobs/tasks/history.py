"""`fact_person` that keeps what was known when: changes of curated tables are applied, in batches or by a stream."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobs.digest import digest
from jobs.errors import TaskError
from jobs.featurize.withdrawal import TOMBSTONES
from jobs.io.commits import UPKEEP, said_of
from jobs.io.context import Task
from jobs.io.lineage import Provenance
from jobs.io.tables import Tables
from jobs.tasks.curated import FROM_CHECK, curated, refuse_unchecked, without_withdrawn
from jobs.tasks.hold import KEPT
from jobs.tasks.withdrawn import leave_out
from workflows.declare import Continuous, Featurization
from workflows.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Commits that change no row, whoever made them.
QUIET = (*UPKEEP, "SET TBLPROPERTIES", "UNSET TBLPROPERTIES", "CHANGE COLUMN", "UPGRADE PROTOCOL", "CLUSTER BY")
UNCHECKED = "has commits after the version that was checked"
ANEW = "run the job with rebuild=true to make the table anew from what the source says now"


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
    said, at = task.tables.commits.noting(name, "made_by")
    if not said.get("made_by"):
        return False
    if said["made_by"] != mapping(source, person_sample):
        raise TaskError(f"{name} was made by another mapping or from another sample of persons; {ANEW}")
    refuse_written(task, name, at)
    applied: dict[str, int] = said["inputs"]
    newest = task.tables.inputs(*(f"{source.name}.{table}" for table in source.made_from["fact_person"]))
    came = [table for table in source.made_from["fact_person"] if moved(f"{source.name}.{table}", applied, newest)]
    refuse_another(task, {full: applied[full] for full in newest}, at)
    refuse_unchecked(task, source, newest)
    without = without_who_withdrew(task, source, name, applied)
    goes_on(task, source, came, applied, newest)
    new = sorted({kind.table for kind in source.events} & set(came))
    joined = otherwise(task, source, came, applied, newest)
    touched = [
        kind.table for kind in source.events if {kind.table, *(join.table for join in kind.joins)} & {*new, *joined}
    ]
    if not touched:
        task.tables.recall(name)
        task.log(f"{name} has everything that its source has")
    elif joined or source.without_key:
        version = compared_with(task, source, sorted(set(touched)), came, newest, person_sample)
        task.log(f"{name} is at version {version}, compared with {', '.join(came)}")
    elif isinstance(declared.updates, Continuous):
        checked = {one: newest[f"{source.name}.{one}"] for one in new}
        streamed(task, source, name, checked, said, without, person_sample)
    else:
        feeds = {
            table: task.tables.changes(full, applied[full] + 1, newest[full])
            for table, full in ((table, f"{source.name}.{table}") for table in new)
        }
        version = applied_to(task.tables, source, name, feeds, newest | without, said, person_sample)
        task.log(f"{name} is at version {version}, with the changes of {', '.join(new)}")
    # Who withdrew while this was computed is in it.
    without_who_withdrew(task, source, name, without)
    return True


def without_who_withdrew(task: Task, source: Source, name: str, applied: Mapping[str, int]) -> dict[str, int]:
    """Take out who has withdrawn since the version of the tombstones that is applied; the version that is so now."""
    withdrawn = f"{source.name}_ra.{TOMBSTONES}"
    now = task.tables.version(withdrawn)
    if now is None:
        return {}
    if applied.get(withdrawn) != now:
        leave_out(task, source.name, name, now)
    return {withdrawn: now}


def refuse_written(task: Task, name: str, at: int) -> None:
    """Raise where the table's rows are not what its history made since the microsecond `at`: who restored it, wrote to
    it or made it without a history changed what is said to be applied."""
    since = task.tables.commits.history(name).where(f"unix_micros(timestamp) > {at}").orderBy("version")
    for row in since.select("version", "operation", "userMetadata").collect():
        ours = said_of(row["userMetadata"] or "")
        if row["operation"] not in QUIET and ("task_run_id" not in ours or "content" in ours):
            raise TaskError(
                f"{name} is not as its history left it: version {row['version']}, {row['operation']}; {ANEW}"
            )


def moved(name: str, applied: Mapping[str, int], newest: Mapping[str, int]) -> bool:
    """Whether a table has commits that were not applied; raises where it has fewer than were."""
    if name not in applied or newest[name] < applied[name]:
        raise TaskError(f"{name} was made again and has no version {applied.get(name)} any more; {ANEW}")
    return newest[name] > applied[name]


def refuse_another(task: Task, applied: Mapping[str, int], at: int) -> None:
    """Raise where a table was dropped and made again since the microsecond `at`, and has as many versions again."""
    for full in task.tables.commits.made_again(applied, at):
        raise TaskError(f"{full} was made again and has another version {applied[full]} now; {ANEW}")


def goes_on(task: Task, source: Source, new: list[str], applied: Mapping[str, int], newest: Mapping[str, int]) -> None:
    """Raise where the schema of a table changed in a way that its contract does not take."""
    from jobs.featurize.changes import refused

    for table in new:
        name = f"{source.name}.{table}"
        before, after = (task.tables.read(name, versions[name]).schema for versions in (applied, newest))
        if found := refused(before, after, source.contract(table)):
            raise TaskError(f"{name}: {'; '.join(found)}; {source.name}_ra.fact_person stays as it is; {ANEW}")


def otherwise(
    task: Task, source: Source, came: list[str], applied: Mapping[str, int], newest: Mapping[str, int]
) -> list[str]:
    """The tables that are joined to events and say something else than they did: any fact may be another then."""
    from jobs.featurize.columns import typed

    found = []
    for table in sorted({join.table for kind in source.events for join in kind.joins} & set(came)):
        name, contract = f"{source.name}.{table}", source.contract(table)
        then, now = (typed(task.tables.read(name, versions[name]), contract) for versions in (applied, newest))
        if not then.exceptAll(now).isEmpty() or not now.exceptAll(then).isEmpty():
            found.append(table)
    return found


def compared_with(
    task: Task, source: Source, tables: list[str], came: list[str], newest: Mapping[str, int], person_sample: float
) -> int:
    """Bring the facts of some tables to what the source says at the versions `newest`, in one commit; its version.

    came: the tables with commits that are not applied yet; what is closed is so from the newest of them.
    """
    from pyspark.errors import PySparkException

    from jobs.featurize.compared import compared
    from jobs.featurize.facts import fact_person

    name = f"{source.name}_ra.fact_person"
    frames, inputs = curated(task, source, source.made_from["fact_person"], newest)
    commits = {table: task.tables.commits.moment(f"{source.name}.{table}", inputs[f"{source.name}.{table}"])
               for table in came}  # fmt: skip
    kinds = tuple(kind for kind in source.events if kind.table in tables)
    beside = {
        table: {table, *(join.table for kind in kinds if kind.table == table for join in kind.joins)}
        for table in tables
    }
    moments = {table: max(commits[one] for one in beside[table] & set(came)) for table in tables}
    versions = {table: inputs[f"{source.name}.{table}"] for table in tables}
    said = fact_person(frames, replace(source, events=kinds), person_sample=person_sample, versions=versions)
    there = task.tables.read(name, task.tables.version(name))
    without_key = [table for table in tables if not source.contract(table).key]
    frame = compared(said, there, moments, without_key)
    try:
        # A stream goes on from here: what it has not seen yet is in the table.
        return task.tables.align(name, frame, moments, inputs, note(source, person_sample, inputs))
    except PySparkException as error:
        raise explained(error, source, tables, name) from None


def applied_to(
    tables: Tables, source: Source, name: str, feeds: Mapping[str, DataFrame], inputs: Mapping[str, int],
    said: Mapping[str, Any], person_sample: float,
) -> int:  # fmt: skip
    """Apply what the change feeds of curated tables say, in one commit; its version."""
    from pyspark.errors import PySparkException

    from jobs.featurize.changes import OTHER, changes, signed
    from jobs.featurize.columns import typed

    joined = {join.table for kind in source.events for join in kind.joins}
    others = {
        table: typed(tables.read(f"{source.name}.{table}", inputs[f"{source.name}.{table}"]), source.contract(table))
        for table in sorted(joined)
    }
    closed = tables.read(name).where("known_to IS NOT NULL").select("fact_id")
    frame, spans = None, list[Any]()
    try:
        for table, feed in feeds.items():
            rows = signed(feed, source.contract(table))
            rows = without_withdrawn(tables, rows, source, f"{source.name}.{table}", others)
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
        return tables.amend(name, frame, inputs, of, since=since, once=once, other=OTHER)
    except PySparkException as error:
        raise explained(error, source, feeds, name) from None


def explained(error: Exception, source: Source, some: Collection[str], name: str) -> Exception:
    """Why changes of some of the source's tables cannot be applied, where that is known; the error itself otherwise."""
    from jobs.featurize.changes import OTHER, REPEATED

    tables = ", ".join(f"{source.name}.{table}" for table in some)
    key = ", ".join(dict.fromkeys(column for table in some for column in source.contract(table).key))
    # A stream gives back what its batch raised as the text of another error.
    if told := re.search(r"jobs\.errors\.TaskError: (.+)", str(error)):
        return TaskError(told[1])
    if REPEATED in str(error):
        return TaskError(f"{tables}: {REPEATED} it ({key}), so that its facts have no history; {ANEW}")
    if OTHER in str(error):
        why = f"the key ({key}) is repeated, or other code made the facts"
        return TaskError(f"{tables}: {OTHER}: {why}; {ANEW}")
    if "DELTA_CHANGE_DATA_FEED_INCOMPATIBLE" in str(error):
        return TaskError(f"the schema of {tables} changed and changed back since {name} was brought up; {ANEW}")
    if "DELTA_MISSING_CHANGE_DATA" in str(error):
        return TaskError(f"{tables} did not record changes; set delta.enableChangeDataFeed on it, then {ANEW}")
    if "FILE_NOT_EXIST" in str(error):
        return TaskError(f"{tables} has lost changes that {name} was not brought up to, as VACUUM removes them; {ANEW}")
    return error


def streamed(
    task: Task, source: Source, name: str, new: Mapping[str, int], said: Mapping[str, Any], without: Mapping[str, int],
    person_sample: float,
) -> None:  # fmt: skip
    """The same by a stream a table, which ends when it has caught up; new: the versions that were checked."""
    from pyspark.errors import PySparkException

    from jobs.io.streams import begun, follow

    before, who = task.tables.version(name), task.tables.provenance
    for table, newest in new.items():
        full = f"{source.name}.{table}"
        checkpoint = f"{name}/{table}/{said['base']}"
        first = begun(task, checkpoint, said["inputs"][full] + 1, earlier=said["began"][full] + 1)
        each = batch_of(who, source, name, table, without, person_sample, newest)
        try:
            follow(task, full, first, checkpoint, each)
        except PySparkException as error:
            raise explained(error, source, [table], name) from None
    written = task.tables.note_since(name, before)
    if not written:
        task.tables.recall(name)
    task.log(f"{name} is at version {task.tables.version(name)}, after {written} commits from {', '.join(new)}")


def batch_of(
    who: Provenance,
    source: Source,
    name: str,
    table: str,
    without: Mapping[str, int],
    person_sample: float,
    newest: int,
) -> Callable[[DataFrame, int], None]:
    """What a stream does with each batch of commits; it runs in a process of its own. newest: the version that was
    checked: a batch with later commits fails, and the stream does it again once they are checked as well."""

    def each(feed: DataFrame, _number: int) -> None:
        last = feed.selectExpr("max(_commit_version) AS last").first()
        if last is None or last["last"] is None:
            return
        if int(last["last"]) > newest:
            raise TaskError(
                f"{source.name}.{table} {UNCHECKED}, version {newest}; {name} has none of them: run the featurize job "
                f"of {source.name} again, {FROM_CHECK}"
            )
        tables = Tables(lambda: feed.sparkSession, who)
        said = tables.commits.noted(name, "made_by")
        full = f"{source.name}.{table}"
        inputs = said["inputs"] | without | {full: max(said["inputs"][full], int(last["last"]))}
        applied_to(tables, source, name, {table: feed}, inputs, said, person_sample)

    return each
