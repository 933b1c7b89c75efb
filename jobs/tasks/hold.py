"""Holds a table that a task has written against its contract; one that breaks it gives way to what stood before."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jobs.errors import TaskError
from jobs.io.commits import said_of
from jobs.io.lineage import CONTRACT_HASH
from jobs.model.definition import DEFINITION
from jobs.quality.published import ALL, published
from jobs.quality.record import Checked, before, record, stood
from jobs.quality.table import QUALITY, of_persons
from jobs.tasks.curated import without_withdrawn
from workflows.contract import Contract
from workflows.source import Source

if TYPE_CHECKING:
    from jobs.io.context import Task
    from jobs.quality.result import Result

# (task, source, table, version) -> what is there now, in words.
Back = Callable[["Task", Source, str, int], str]
# What every commit of a table with a history says again, so that updates go on from it.
KEPT = ("made_by", "base", "began")


def hold(
    task: Task,
    source: Source,
    contract: Contract,
    version: int,
    beside: Callable[[], Sequence[Result]] = tuple,
    inside: str | None = None,
    back: Back | None = None,
) -> None:
    """Add what is found of a version to the source's report; raise TaskError where it breaks its contract.

    The newest version that kept it is put back then, and where nobody can tell because the check itself fails.
    beside: what else is told of a version that keeps its contract.
    inside: the table of the report of which these rows are a part: few more of them tell as much as a few.
    back: puts what stood before in its place, instead of `gives_way`, where tables give way together.
    """
    back = back or gives_way
    name = f"{source.name}_ra.{contract.table}"
    try:
        checked = reported(task, source, contract, version, beside, inside)
    except Exception:
        # A second failure must not hide the first.
        with suppress(Exception):
            task.log(f"{name} could not be checked; {back(task, source, name, version)}")
        raise
    if checked.broken:
        stays = back(task, source, name, version)
        raise TaskError(f"{name} breaks its contract: {'; '.join(checked.broken)}; {stays}")


def reported(
    task: Task, source: Source, contract: Contract, version: int, beside: Callable[[], Sequence[Result]],
    inside: str | None,
) -> Checked:  # fmt: skip
    """What may be shown of a version, which is in the source's report then."""
    from jobs.featurize.contract import results

    name = f"{source.name}_ra.{contract.table}"
    person = "person_id" if any(column.name == "person_id" for column in contract.columns) else None
    # Checked as it was written: before that, every expression of the source would be computed twice.
    found = results(task.tables.read(name, version), contract, person=person)
    if not any(one.stops for one in found):
        found += beside()
    earlier = before(task, source.name)
    known = dict(earlier.get(name, {}))
    if inside is not None:
        known[ALL] = {*known.get(ALL, ()), *earlier.get(inside, {}).get(ALL, ())}
    shown = published(found, of_persons=of_persons(contract), before=known)
    checked = Checked(table=name, version=version, shown=shown)
    record(task, source.name, [checked])
    return checked


def gives_way(task: Task, source: Source, name: str, version: int, report: str = QUALITY) -> str:
    """Put what stood before in the place of a version; in words, what is there now. report: as of `held`."""
    previous = stood(task, name, version, report)
    if previous is None:
        # Nothing goes on from an empty table: it is made anew.
        back = task.tables.replace(name, task.tables.read(name, version).limit(0), {name: version}, {"made_by": None})
        return f"it is empty now, as version {back}"
    # Who withdrew since then has rows in it.
    good = without_withdrawn(task.tables, task.tables.read(name, previous), source, name, {})
    said, commits = gone_on_from(task, name, previous), task.tables.commits
    # The rows are again what they meant before, made from what they were made from, by the same contracts.
    for key in (DEFINITION, CONTRACT_HASH):
        if commits.saying(name, version, key):
            said[key] = commits.saying(name, previous, key)
    inputs = said.pop("inputs", None) or commits.says(name, previous).get("inputs") or {name: previous}
    if "base" in said:
        # A stream's checkpoint is past the commits that were taken back: it begins anew, after those that stay.
        said |= {"base": uuid.uuid4().hex, "began": inputs}
    # What has no history is made anew: otherwise the version that gives way would be the newest that tells of one.
    said.setdefault("made_by", None)
    back = task.tables.replace(name, good, inputs, said)
    return f"version {previous} is in its place again, as version {back}"


def gone_on_from(task: Task, name: str, version: int) -> dict[str, Any]:
    """What a version of a table with a history says, so that updates go on from it; nothing of any other table."""
    for number, text, _ in task.tables.commits.told(name):
        said = said_of(text) if number <= version else {}
        if "content" in said or "made_by" in said:
            return {key: said[key] for key in (*KEPT, "inputs") if said.get("made_by") and key in said}
    return {}
