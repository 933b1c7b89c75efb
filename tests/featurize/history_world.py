"""A source whose commits are of every kind, and the facts and when they were known, read off it in plain Python."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from curated import PERSONS, deliver, frame
from pyspark.sql import SparkSession

from workflows.declare import Featurization

NAME, CONDITIONS = "synthetic_omop_ra.fact_person", "synthetic_omop.condition_occurrence"
DECLARED = Featurization(name="synthetic_omop", source="synthetic_omop", cluster="ml_cpu", history=True)
State = dict[int, tuple[int, str, str]]


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text} 00:00:00")


def base() -> State:
    return {500 + n: (n, f"2021-03-{n:02d}", "I50.9") for n in range(1, PERSONS + 1)}


def commits(spark: SparkSession) -> list[State]:
    """Commits of every kind, and the state of the source after each."""
    states = [base()]

    def then(sql: str, **changed: tuple[int, str, str] | None) -> None:
        spark.sql(sql).collect()
        state = {**states[-1], **{int(key[1:]): value for key, value in changed.items()}}
        states.append({key: value for key, value in state.items() if value is not None})

    def row(key: int, person: int, at: str, code: str) -> str:
        values = {"condition_occurrence_id": key, "person_id": person, "condition_start_datetime": f"{at} 08:00:00",
                  "visit_occurrence_id": 100 + person, "condition_source_value": code}  # fmt: skip
        return f"INSERT INTO {CONDITIONS} ({', '.join(values)}) VALUES ({', '.join(repr(str(v)) for v in values.values())})"

    then(row(600, 1, "2019-05-05", "E11.9"), _600=(1, "2019-05-05", "E11.9"))
    then(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id IN ('501', '502')",
         _501=(1, "2021-03-01", "I11.0"), _502=(2, "2021-03-02", "I11.0"))  # fmt: skip
    then(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id IN ('503', '600')", _503=None, _600=None)
    then(f"UPDATE {CONDITIONS} SET visit_occurrence_id = visit_occurrence_id WHERE condition_occurrence_id = '504'")
    # The person is corrected, and what was deleted comes back, in one delivery that overwrites the table.
    state = {**states[-1], 505: (6, "2021-03-05", "I50.9"), 503: (3, "2021-03-03", "I50.9")}
    given = [
        {"condition_occurrence_id": str(key), "person_id": str(person), "condition_start_datetime": f"{at} 08:00:00",
         "visit_occurrence_id": str(100 + person), "condition_source_value": code}
        for key, (person, at, code) in state.items()
    ]  # fmt: skip
    deliver(spark, {"condition_occurrence": frame(spark, "condition_occurrence", given)})
    states.append(state)
    then(f"UPDATE {CONDITIONS} SET condition_source_value = 'I50.9' WHERE condition_occurrence_id = '501'",
         _501=(1, "2021-03-01", "I50.9"))  # fmt: skip
    return states


def expected(states: list[State], moments: list[datetime]) -> set[tuple[Any, ...]]:
    """The facts and when they were known, read off the states in plain Python."""
    found = set()
    for key in {key for state in states for key in state}:
        known: tuple[Any, ...] | None = None
        for version, state in enumerate(states):
            now = state.get(key)
            if version and now == states[version - 1].get(key):
                continue
            if known is not None:
                found.add((*known, moments[version]))
            first = not any(key in earlier for earlier in states[:version])
            known = None if now is None else (*now, day(now[1]) if first else moments[version])
        if known is not None:
            found.add((*known, None))
    return found


def content(spark: SparkSession) -> set[tuple[Any, ...]]:
    made = [
        (r["person_id"], r["event_start_datetime"].date().isoformat(), r["concept_code"], r["known_from"], r["known_to"])
        for r in spark.table(NAME).collect()
    ]  # fmt: skip
    assert len(set(made)) == len(made)
    return set(made)


def moments(spark: SparkSession) -> list[datetime]:
    told = spark.sql(f"DESCRIBE HISTORY {CONDITIONS}").orderBy("version").collect()
    return [row["timestamp"] for row in told]
