"""The codes that a source records, by column: how many rows are headers, unknown, retired and so on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as sf

from jobs.codes.check import CHECKS
from jobs.codes.known import FOREVER, Known
from jobs.codes.recorded import judged
from jobs.disclosure import SMALLEST
from jobs.featurize.counts import persons
from jobs.featurize.facts import beside, optional, together
from jobs.quality.groups import kept_back
from jobs.quality.result import Behind, Result, version_of
from workflows.code_systems import SYSTEMS
from workflows.rules import CHARACTERIZATION, CONVENTION
from workflows.source import Events, Source

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# The checks of a code, and how much each matters where a source made it: nothing that is recorded stops a job.
SEVERITY = {
    "format": CONVENTION, "wrong_vocabulary": CONVENTION, "unknown": CONVENTION, "spelling": CONVENTION,
    "retired": CONVENTION, "header": CHARACTERIZATION, "not_assessable": CHARACTERIZATION,
}  # fmt: skip
# What the form of a vocabulary's codes says by itself.
BY_FORM = ("format", "spelling")
# What only reference data of the vocabulary can say, whatever they hold.
BY_REFERENCE = ("wrong_vocabulary", "unknown", "header")
LEAF, NONE = "leaf", "none"
STATES = (*SEVERITY, LEAF, NONE)
JUDGED = "vocabulary_id string, concept_code string, _state string, _until date"
NO_REFERENCE, TOO_FEW = "no reference data are loaded", "too few persons for anything to be said"
# (table, what the column of its codes is called).
Place = tuple[str, str]


def label(kind: Events, source: Source) -> str | None:
    """What the column of a kind's codes is called; None where the mapping itself names the code."""
    if kind.code.startswith("'"):
        return None
    columns = [one.name for one in source.contract(kind.table).columns]
    used = [name for name in columns if re.search(rf"\b{re.escape(name)}\b", kind.code)]
    joined = any(f"{join.table}." in kind.code for join in kind.joins)
    return "code" if joined or not used else "_".join(used)


def places(source: Source) -> dict[Place, list[Events]]:
    """Where a source records codes, and the kinds of events that they become."""
    found: dict[Place, list[Events]] = {}
    for kind in source.events:
        if (name := label(kind, source)) is not None:
            found.setdefault((kind.table, name), []).append(kind)
    return found


def rows_of(source: Source, tables: Mapping[str, DataFrame]) -> DataFrame | None:
    """One row a row of a table and column of codes in it: place, person, day, vocabulary, code or null.

    tables: those that can be read; columns of codes of any other are left out. None where nothing is left.
    """
    held: dict[int, list[tuple[Place, list[Events]]]] = {}
    groups = together(source.events)
    for place, kinds in places(source).items():
        number = next(number for number, group in enumerate(groups) if kinds[0] in group)
        held.setdefault(number, []).append((place, kinds))
    frames = []
    for some in held.values():
        first = some[0][1][0]
        if all(name in tables for name in (first.table, *(join.table for join in first.joins))):
            day = sf.to_date(optional(first.start, "timestamp")).alias("_day")
            person = sf.expr(first.person_id).cast("bigint").alias("_whose")
            codes = sf.array(*(one_of(place, kinds) for place, kinds in some))
            frames.append(beside(tables, first).select(person, day, sf.inline(codes)))
    return reduce(lambda left, right: left.unionByName(right), frames) if frames else None


def one_of(place: Place, kinds: Sequence[Events]) -> Column:
    """What a row records in one column of codes, as the first of the kinds of events that it is."""
    vocabulary, code = sf.lit(None).cast("string"), sf.lit(None).cast("string")
    for kind in reversed(kinds):
        here = sf.expr(kind.where)
        vocabulary = sf.when(here, sf.expr(kind.vocabulary).cast("string")).otherwise(vocabulary)
        code = sf.when(here, sf.nullif(sf.trim(sf.expr(kind.code).cast("string")), sf.lit(""))).otherwise(code)
    return sf.struct(
        sf.lit(place[0]).alias("_table"), sf.lit(place[1]).alias("_column"),
        sf.coalesce(vocabulary, sf.lit("None")).alias("vocabulary_id"), code.alias("concept_code"),
    )  # fmt: skip


def distinct(rows: DataFrame) -> list[tuple[str, str, str, str]]:
    """The codes that are recorded: table, column, vocabulary, code."""
    columns = ("_table", "_column", "vocabulary_id", "concept_code")
    codes = rows.where(sf.col("concept_code").isNotNull()).select(*columns).distinct()
    return [(row[0], row[1], row[2], row[3]) for row in codes.collect()]


def states(codes: Iterable[tuple[str, str]], known: Known) -> list[tuple[str, str, str, date | None]]:
    """What each code is, and its last valid day where it has one: rows of `JUDGED`."""
    found = []
    for vocabulary_id, code in codes:
        spelled = SYSTEMS[vocabulary_id].spelled(code) if vocabulary_id in SYSTEMS else None
        entry = known.entry(vocabulary_id, spelled) if spelled else None
        until = entry.until if entry is not None and entry.until != FOREVER else None
        state = judged(vocabulary_id, code, known)
        # Whether it was retired matters less than that no feature sees it.
        found.append((vocabulary_id, code, state, None if state == "spelling" else until))
    return found


def counted(rows: DataFrame, codes: DataFrame) -> list[Mapping[str, Any]]:
    """One row a place: of each state the rows (`r_`), the persons who have one (`p_`) and those who have another code
    (`k_`); and whether any code there had a day. codes: `JUDGED`. One aggregate."""
    retired = sf.col("_until").isNotNull() & (sf.col("_day") > sf.col("_until"))
    state = sf.when(sf.col("concept_code").isNull(), NONE).when(retired, "retired").otherwise(sf.col("_state"))
    joined = rows.join(sf.broadcast(codes), ["vocabulary_id", "concept_code"], "left").withColumn("_is", state)
    counts = [sf.count_if(sf.col("_is") == one).alias(f"r_{one}") for one in STATES]
    dated = sf.max(sf.col("_day").isNotNull()).alias("_dated")
    each = joined.groupBy("_table", "_column", "_whose").agg(*counts, dated)
    coded = reduce(lambda left, right: left + right, (sf.col(f"r_{one}") for one in STATES if one != NONE))
    sums = [sf.max("_dated").alias("dated")]
    for one in STATES:
        here = sf.col(f"r_{one}")
        sums += [
            sf.sum(here).alias(f"r_{one}"),
            persons(here).alias(f"p_{one}"),
            persons(coded - here).alias(f"k_{one}"),
        ]
    return [row.asDict() for row in each.groupBy("_table", "_column").agg(*sums).collect()]


def decided(
    codes: Iterable[tuple[str, str, str, str]], found: Iterable[Mapping[str, Any]], known: Known
) -> dict[Place, set[str]]:
    """Which checks of each column of codes can be decided at all: by a form, by reference data, by days."""
    vocabularies: dict[Place, set[str]] = {}
    for table, column, vocabulary_id, _ in codes:
        vocabularies.setdefault((table, column), set()).add(vocabulary_id)
    made = {}
    for row in found:
        place = (row["_table"], row["_column"])
        some = vocabularies.get(place, set())
        can = {"not_assessable", *(BY_FORM if some & SYSTEMS.keys() else ())}
        if any(known.judges(one) for one in some):
            can.update(BY_REFERENCE)
        if row["dated"] and any(known.retires(one) for one in some):
            can.add("retired")
        made[place] = can
    return made


def results(found: Iterable[Mapping[str, Any]], can: Mapping[Place, set[str]]) -> dict[str, list[Result]]:
    """By table: the checks of each column of codes."""
    made: dict[str, list[Result]] = {}
    for row in sorted(found, key=lambda row: (row["_table"], row["_column"])):
        place = (row["_table"], row["_column"])
        made.setdefault(place[0], []).extend(of_place(place, row, can[place]))
    return made


def hidden_of(persons_of: Mapping[str, int]) -> set[str] | None:
    """Of the states that some persons have, those whose counts are kept back; None where nothing may be said at all.

    That a check failed tells of one person at least, so what is kept back together leaves room beyond ten for each.
    """
    hidden = kept_back({one: {"persons": count} for one, count in persons_of.items()})
    rest = sorted((one for one in persons_of if one not in hidden), key=lambda one: (persons_of[one], one))
    while hidden and sum(persons_of[one] - 1 for one in hidden) + 1 < SMALLEST:
        if not rest:
            return None
        hidden.add(rest.pop(0))
    return hidden


def of_place(place: Place, row: Mapping[str, Any], can: set[str]) -> list[Result]:
    """The checks of one column of codes; what is kept back is so for all of them together."""
    coded = sum(row[f"r_{one}"] for one in STATES if one != NONE)
    hidden = hidden_of({one: row[f"p_{one}"] for one in (*SEVERITY, LEAF) if row[f"p_{one}"]})
    if hidden is None:
        return unjudged({place: TOO_FEW}, {place[0]: coded + row[f"r_{NONE}"]})[place[0]]
    made = []
    for name in SEVERITY:
        rows, speaks = row[f"r_{name}"], name in can and coded > 0
        state = "not applicable" if not speaks else "failed" if rows else "passed"
        behind = Behind(broken=row[f"p_{name}"], kept=row[f"k_{name}"], apart=row[f"p_{NONE}"])
        made.append(
            Result(
                check=f"{place[1]}_codes_{name}", state=state, rows=rows if speaks else 0, of=coded if speaks else 0,
                all_rows=coded + row[f"r_{NONE}"], behind=behind if speaks else None, part=f"{place[1]}_codes",
                kept_back=name in hidden, why="" if speaks or not coded else "nothing here can decide it",
                **about(place, name),
            )
        )  # fmt: skip
    return made


def about(place: Place, name: str) -> dict[str, Any]:
    """What a check of a column of codes is."""
    check = CHECKS[name]
    return {
        "table": place[0], "what": f"{place[1]}: {check.meaning}", "severity": SEVERITY[name],
        "version": version_of("codes", name, check.version, check.meaning), "about": (place[1],),
    }  # fmt: skip


def unjudged(
    why: Mapping[Place, str], all_rows: Mapping[str, int], state: str = "not applicable"
) -> dict[str, list[Result]]:
    """The checks of columns of codes that could not be held against anything: they speak of no row, and say why."""
    made: dict[str, list[Result]] = {}
    for place, reason in why.items():
        made.setdefault(place[0], []).extend(
            Result(
                check=f"{place[1]}_codes_{name}", state=state, rows=0, of=0, all_rows=all_rows.get(place[0], 0),
                part=f"{place[1]}_codes", why=reason, **about(place, name),
            )
            for name in SEVERITY
        )  # fmt: skip
    return made
