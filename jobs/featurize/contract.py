"""Holds a curated table against its contract: one query counts what breaks each check, rows at fault are kept apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException
from pyspark.sql import Window, types
from pyspark.sql import functions as sf

from jobs.featurize.columns import WORDS, acceptable, delivered, quoted, typed_columns
from jobs.featurize.counts import PERSONS, Check, beyond_first, repeated, totals, whose
from jobs.quality.result import Behind, Result, version_of
from workflows.contract import Column as Declared
from workflows.contract import Contract
from workflows.expressions import BLANKS
from workflows.rules import CONVENTION, FATAL, Beside, Rule

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row

# Bytes that are no UTF-8 become this character when they are read.
UNREADABLE = "\ufffd"
# The condition that an error names, after nothing but the classes that it went through.
NAMED = re.compile(r"[\w.$():\s]*\[([A-Z][A-Z0-9_.]*)\]")


def counted(contract: Contract, check: Check, rows: int, of: int, all_rows: int, behind: Behind | None) -> Result:
    """A check's counts with the state they make."""
    # A share is the number that was declared: 0.29 of 100 is 29, and as a float less.
    allowed = Fraction(str(check.threshold)) * of
    state = "not applicable" if of == 0 else "failed" if rows > allowed else "passed"
    return Result(
        table=contract.table, check=check.id, what=check.what, severity=check.severity, state=state, rows=rows, of=of,
        threshold=check.threshold, version=check.version, all_rows=all_rows, behind=behind,
        about=check.about,
    )  # fmt: skip


def shape(schema: types.StructType, contract: Contract) -> list[tuple[str, str, str]]:
    """(check, what, severity) for columns that are missing, of a type that cannot hold the contract's, or unknown; the
    last is fatal where the contract refuses new columns."""
    physical = {field.name: field.dataType for field in schema.fields}
    found: list[tuple[str, str, str]] = []
    names = delivered(physical, contract)
    for column in contract.columns:
        name = names[column.name]
        if name is None and not column.optional:
            found.append((f"{column.name}_present", f"column {column.name} is missing", FATAL))
        elif name is not None and not acceptable(physical[name], column.type):
            kind = physical[name].simpleString()
            found.append((f"{column.name}_type", f"column {column.name} has type {kind}, not {column.type}", FATAL))
    known = {*names.values(), *contract.unused}
    for name in sorted(set(physical) - known):
        if contract.new_columns == "refuse":
            found.append((f"{name}_known", f"column {name} is unknown, and new columns are refused", FATAL))
        else:
            found.append((f"{name}_known", f"column {name} is unknown", CONVENTION))
    return found


def read(frame: DataFrame, contract: Contract) -> DataFrame:
    """The contract's columns in its types, null where one cannot be read, and `_raw`: the delivered as text."""
    raw = [
        (sf.lit(None) if name is None else sf.col(quoted(name))).cast("string").alias(column)
        for column, name in delivered(frame.columns, contract).items()
    ]
    return frame.select(sf.struct(*raw).alias("_raw"), *typed_columns(frame.columns, contract))


def besides(contract: Contract) -> list[Beside]:
    """The other tables that the rules look at, each once a key with all that is gathered of it."""
    merged: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, str]] = {}
    for beside in (rule.beside for rule in contract.rules if rule.beside is not None):
        merged.setdefault((beside.table, beside.on), {}).update(beside.gathers)
    return [Beside(table=table, on=on, gathers=tuple(some.items())) for (table, on), some in merged.items()]


def seen(frame: DataFrame, contract: Contract, others: Mapping[str, DataFrame]) -> DataFrame:
    """`read` with `_<table>` for every other table that a rule looks at; the number of rows stays."""
    table = read(frame, contract)
    for beside in besides(contract):
        gathers = [sf.expr(aggregate).alias(name) for name, aggregate in beside.gathers] or [sf.lit(True).alias("any")]
        other, name = others[beside.table], f"_{beside.table}"
        if not beside.on:
            table = table.crossJoin(sf.broadcast(other.agg(sf.struct(*gathers).alias(name))))
            continue
        keys = [f"_key{place}" for place in range(len(beside.on))]
        there = [sf.col(quoted(column)).alias(key) for key, (_, column) in zip(keys, beside.on, strict=True)]
        gathered = other.groupBy(*there).agg(sf.struct(*gathers).alias(name))
        on = sf.lit(True)
        for key, (here, _) in zip(keys, beside.on, strict=True):
            on = on & (sf.col(quoted(here)) == sf.col(key))
        table = table.join(gathered, on, "left").drop(*keys)
    return table


def checks(contract: Contract) -> list[Check]:
    """Everything that can be wrong with one row, over `seen`."""
    found = [check for column in contract.columns for check in column_checks(column, written=contract.written)]
    texts = [
        sf.coalesce(sf.col("_raw").getField(column.name).contains(UNREADABLE), sf.lit(False))
        for column in contract.columns
        if column.type == "string"
    ]
    if texts and not contract.written:
        broken = reduce(lambda left, right: left | right, texts)
        found.append(Check(id="utf8", what="text is not UTF-8", severity=FATAL, applies=None, broken=broken))
    for rule in contract.rules:
        holds = sf.expr(rule.condition)
        about = tuple(c.name for c in contract.columns if re.search(rf"\b{re.escape(c.name)}\b", rule.condition))
        # A rule that is null does not speak of the row.
        found.append(
            Check(id=rule.id, what=f"not so: {rule.meaning}", severity=rule.severity, threshold=rule.threshold,
                  applies=holds.isNotNull(), broken=sf.coalesce(~holds, sf.lit(False)), decides=rule, about=about)
        )  # fmt: skip
    return found


def column_checks(column: Declared, *, written: bool = False) -> list[Check]:
    """Whether one column is filled, readable and has an allowed value, as far as that is declared."""
    name, raw, value = column.name, sf.col("_raw").getField(column.name), sf.col(quoted(column.name))
    # Parquet keeps an empty text where a CSV file has nothing.
    filled = value.isNotNull() if column.type == "string" else sf.btrim(raw, sf.lit(BLANKS)) != ""
    filled = sf.coalesce(filled, sf.lit(False))
    made: list[tuple[str, str, Column | None, Column]] = []
    if not column.nullable:
        made.append(("not_null", f"{name} is empty", None, ~filled))
    if column.type != "string" and not written:
        made.append(("readable", f"{name} is not {WORDS[column.type]}", filled, filled & value.isNull()))
    if column.allowed:
        there = value.isNotNull()
        broken = there & ~sf.coalesce(value.cast("string").isin(*column.allowed), sf.lit(True))
        made.append(("allowed", f"{name} is none of {', '.join(column.allowed)}", there, broken))
    return [
        Check(id=f"{name}_{kind}", what=what, severity=FATAL, applies=applies, broken=broken, about=(name,))
        for kind, what, applies, broken in made
    ]


def results(
    frame: DataFrame, contract: Contract, others: Mapping[str, DataFrame] | None = None, *, person: str | None = None
) -> list[Result]:
    """Every check of the table with its counts, by one query; an error of shape is reported instead of the rest, and
    a rule that cannot be computed is an error beside them.

    person: an expression of whose a row is; then persons are counted behind the rows.
    """
    found = shape(frame.schema, contract)
    if any(severity == FATAL for _, _, severity in found):
        return shape_results(found, contract, frame.count())
    others, contract, unheld = held(contract, others)
    try:
        counts = counts_of(frame, contract, others, person)
    except PySparkException:
        contract, raising = without_raising(frame, contract, others, person)
        if not raising:
            raise
        unheld += raising
        counts = counts_of(frame, contract, others, person)
    every = checks(contract)
    rows = counts["rows"]
    made = [replace(one, all_rows=rows) for one in (*shape_results(found, contract, rows), *unheld)]
    if rows == 0:
        state = "not applicable" if contract.empty else "failed"
        what = "the table is empty"
        made.append(
            Result(table=contract.table, check="rows", what=what, severity=FATAL, state=state, rows=0, of=0,
                   version=version_of("rows", what, FATAL), why="the table has no rows")
        )  # fmt: skip
    for place, check in enumerate(every):
        behind = None if person is None else Behind(**{part: counts[f"{part}{place}"] for part in PERSONS})
        made.append(counted(contract, check, counts[f"b{place}"], counts[f"a{place}"], rows, behind))
    for check, name in (
        *((one, "keys") for one in key_check(contract)),
        *((one, "duplicates") for one in once(contract)),
    ):
        behind = None if person is None else Behind(broken=counts[f"persons_{name}"], kept=0, apart=0)
        made.append(counted(contract, check, counts[name], rows, rows, behind))
    return made


def counts_of(frame: DataFrame, contract: Contract, others: Mapping[str, DataFrame], person: str | None) -> Row:
    """All counts of a table, by one query."""
    query = totals(seen(frame, contract, others), checks(contract), person)
    # As `typed` leaves it: what is written in two ways and read as one is one row.
    table = frame.select(*typed_columns(frame.columns, contract))
    if contract.once:
        groups = table.groupBy(*map(quoted, table.columns)).agg(beyond_first(), whose(person))
        query = query.crossJoin(groups.agg(*repeated("duplicates")))
        table = table.distinct()
    if contract.key:
        # On its own: a distinct count beside the others would carry all of them once a key.
        keys = table.where(keyed(contract)).groupBy(*map(quoted, contract.key)).agg(beyond_first(), whose(person))
        query = query.crossJoin(keys.agg(*repeated("keys")))
    counts = query.first()
    assert counts is not None
    return counts


def without_raising(
    frame: DataFrame, contract: Contract, others: Mapping[str, DataFrame], person: str | None
) -> tuple[Contract, list[Result]]:
    """The contract without the rules that cannot be computed, and an error for each; asked of one after the other."""
    errors = {}
    for rule in contract.rules:
        try:
            counts_of(frame, replace(contract, rules=(rule,), key=(), once=False), others, person)
        except PySparkException as error:
            errors[rule] = unchecked(contract, rule, f"it raises {condition(error)}")
    return replace(contract, rules=tuple(rule for rule in contract.rules if rule not in errors)), [*errors.values()]


def condition(error: PySparkException) -> str:
    """What went wrong, without a value of any row, which the message may quote."""
    named = NAMED.match(str(error))
    return error.getCondition() or (named.group(1) if named else type(error).__name__)


def unchecked(contract: Contract, rule: Rule, why: str) -> Result:
    """The error of a rule that could not be held against its table."""
    return Result(
        table=contract.table, check=rule.id, severity=rule.severity, state="error", rows=0, of=0,
        threshold=rule.threshold, version=version_of(rule), what=f"{rule.meaning}: not checked, as {why}",
    )  # fmt: skip


def held(
    contract: Contract, others: Mapping[str, DataFrame] | None
) -> tuple[Mapping[str, DataFrame], Contract, list[Result]]:
    """The contract with the rules that can be held against it; an error for each that looks at a table not there."""
    others = others or {}
    unheld = [rule for rule in contract.rules if rule.beside is not None and rule.beside.table not in others]
    errors = [
        unchecked(contract, rule, f"{rule.beside.table} cannot be read") for rule in unheld if rule.beside is not None
    ]
    return others, replace(contract, rules=tuple(rule for rule in contract.rules if rule not in unheld)), errors


def shape_results(found: Iterable[tuple[str, str, str]], contract: Contract, rows: int) -> list[Result]:
    """Faults of shape: a missing column is an error of every check on it."""
    return [
        Result(table=contract.table, check=check, what=what, severity=severity, rows=rows, of=rows, all_rows=rows,
               state="error" if severity == FATAL else "failed", version=version_of(check, what, severity))
        for check, what, severity in found
    ]  # fmt: skip


def key_check(contract: Contract) -> list[Check]:
    """Rows beyond the first of their key; in a single row, whether it shares its key."""
    if not contract.key:
        return []
    window = Window.partitionBy(*map(quoted, contract.key))
    shared = sf.count(sf.lit(1)).over(window) > 1
    if contract.once:
        # A row that is there twice, in whatever spelling, shares its key with nobody.
        row = sf.struct(*(quoted(column.name) for column in contract.columns))
        shared = ~sf.min(row).over(window).eqNullSafe(sf.max(row).over(window))
    shared = keyed(contract) & shared
    what = f"beyond the first of their key ({', '.join(contract.key)})"
    return [Check(id="key", what=what, severity=contract.key_severity, applies=keyed(contract), broken=shared)]


def once(contract: Contract) -> list[Check]:
    """Exact duplicates of a row, where the contract counts them once."""
    if not contract.once:
        return []
    what, never = "exact duplicates, counted once", sf.lit(False)
    return [Check(id="duplicates", what=what, severity="characterization", applies=None, broken=never)]


def keyed(contract: Contract) -> Column:
    """Whether every part of the row's key can be read."""
    complete = sf.lit(True)
    for name in contract.key:
        complete = complete & sf.col(quoted(name)).isNotNull()
    return complete


def rejected(frame: DataFrame, contract: Contract, others: Mapping[str, DataFrame] | None = None) -> DataFrame:
    """The rows that break a fatal check, every column as text, and `reason`; all rows of a shared key are at fault."""
    others, contract, _ = held(contract, others)
    faults = [check for check in (*checks(contract), *key_check(contract)) if check.severity == FATAL]
    reasons = sf.array_compact(sf.array(*(sf.when(check.broken, sf.lit(check.what)) for check in faults)))
    table = seen(frame, contract, others)
    return (
        (table.distinct() if contract.once else table)
        .select("_raw", reasons.alias("_reasons"))
        .where(sf.size("_reasons") > 0)
        .select("_raw.*", sf.array_join("_reasons", "; ").alias("reason"))
    )
