"""Holds a table that a task has written against its contract; one that breaks it gives way to the version before it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jobs.errors import TaskError
from jobs.quality.published import published
from jobs.quality.record import Checked, before, record
from jobs.quality.table import of_persons
from workflows.source import Contract, Source

if TYPE_CHECKING:
    from jobs.io.context import Task
    from jobs.quality.result import Result

# What every commit of a table with a history says again, so that updates go on from it.
KEPT = ("made_by", "base", "began")


def hold(
    task: Task,
    source: Source,
    contract: Contract,
    version: int,
    previous: int | None,
    stood: Mapping[str, Any] | None = None,
    beside: Callable[[], Sequence[Result]] = tuple,
) -> None:
    """Add what is found of a version to the source's report; raise TaskError where it breaks its contract.

    previous: the version before, which is put back then. stood: what that said of itself, so that updates go on from
    there. beside: what else is told of a version that keeps its contract.
    """
    from jobs.featurize.contract import results

    name = f"{source.name}_ra.{contract.table}"
    person = "person_id" if any(column.name == "person_id" for column in contract.columns) else None
    found = results(task.tables.read(name, version), contract, person=person)
    if not any(one.stops for one in found):
        found += beside()
    shown = published(found, of_persons=of_persons(contract), before=before(task, source.name).get(name))
    checked = Checked(table=name, version=version, shown=shown)
    record(task, source.name, [checked])
    if not checked.broken:
        return
    # Checked as it was written: before that, every expression of the source would be computed twice.
    good = task.tables.read(name, version if previous is None else previous)
    stood = stood or {}
    inputs = stood.get("inputs") or {name: version if previous is None else previous}
    said = {key: stood[key] for key in KEPT if key in stood}
    if "base" in said:
        # A stream's checkpoint is past the commits that were taken back: it begins anew, after those that stay.
        said |= {"base": uuid.uuid4().hex, "began": inputs}
    back = task.tables.replace(name, good if previous is not None else good.limit(0), inputs, said)
    stays = f"version {previous} is in its place again" if previous is not None else "it is empty now"
    raise TaskError(f"{name} breaks its contract: {'; '.join(checked.broken)}; {stays}, as version {back}")
