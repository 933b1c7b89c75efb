"""The validation record of a method on a feature store: what it is of, and what makes it stale.

The seed: "Validation repeats whenever a method is updated or data are added to a feature store, even with no code
change."
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jobs.digest import digest
from jobs.model.definition import DEFINITION, differs, meaning, of_tags
from jobs.model.monitoring import decision
from workflows.declare import Model

RECORD = {
    "model": "string", "declaration_hash": "string", "method": "string", "features_hash": "string",
    "contracts_hash": "string", DEFINITION: "string", "feature_table_version": "long", "source_versions": "string",
    "code": "string", "requirements_hash": "string", "mlflow_run_id": "string", "auroc": "double", "passed": "boolean",
    "job_run_id": "string", "recorded_at": "timestamp",
}  # fmt: skip
HASHES = {
    "declaration_hash": "its declaration", "method": "its method", "features_hash": "its features",
    "contracts_hash": "the contracts or the mapping of its source",
}  # fmt: skip


def hashes(model: Model, declaration_hash: str, contracts_hash: str) -> dict[str, str]:
    """What a validation is of: a hash of each part that makes it stale."""
    return {
        "declaration_hash": declaration_hash,
        "method": type(model.method).__name__,
        "features_hash": digest(meaning(model.features)),
        "contracts_hash": contracts_hash,
    }


def newest(records: Iterable[Mapping[str, Any]], model: str) -> Mapping[str, Any] | None:
    """The last record of a model; None where there is none."""
    return max((one for one in records if one["model"] == model), key=lambda one: one["recorded_at"], default=None)


def changed(record: Mapping[str, Any], wanted: Mapping[str, str], tags: Mapping[str, str]) -> list[str]:
    """In words, what is not what was validated. wanted: as of `hashes`. tags: of the version that would be promoted."""
    found = [words for name, words in HASHES.items() if record[name] != wanted[name]]
    validated, trained = of_tags({DEFINITION: record[DEFINITION] or ""}), of_tags(tags)
    if validated is not None and trained is not None:
        found += differs(trained, validated)
    return found


def delivered(record: Mapping[str, Any], lineage: Iterable[Mapping[str, Any]]) -> list[str]:
    """The source tables that brought something new since, as `premier.patdemo version 4 (validated: 3)`.

    lineage: object and inputs (JSON text, table -> version) of what the stage of the record has written. A source table
    is one that no task writes.
    """
    written, read = set[str](), dict[str, int]()
    for one in lineage:
        written.add(one["object"])
        for table, version in json.loads(one["inputs"] or "{}").items():
            read[table] = max(int(version), read.get(table, -1))
    validated = json.loads(record["source_versions"] or "{}")
    return [
        f"{table} version {read[table]} (validated: {most(version)})"
        for table, version in sorted(validated.items())
        if table not in written and read.get(table, -1) > most(version)
    ]


def most(version: int | Sequence[int]) -> int:
    """The newest of the versions in which a table was read."""
    return int(version) if isinstance(version, int) else max(map(int, version))


def drifted(record: Mapping[str, Any], observations: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of drift found since that were not there when the record was made, as `calibration drift`.

    observations: rows of the model's monitoring. As long as nobody promotes a better version, the same drift of the
    same champion is found every day: it makes a record stale once.
    """
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for one in sorted(observations, key=lambda row: row["observed_at"]):
        runs.setdefault(one["job_run_id"], []).append(one)
    known: dict[int, set[str]] = {}
    found: set[str] = set()
    for rows in runs.values():
        signals = {one for one in decision(list(map(dict, rows))).split(" and ") if one}
        version = int(rows[0]["model_version"])
        if rows[0]["observed_at"] <= record["recorded_at"]:
            known[version] = signals
        else:
            found |= signals - known.get(version, set())
    return sorted(found)


def refusals(
    record: Mapping[str, Any] | None, *, model: str, wanted: Mapping[str, str], tags: Mapping[str, str],
    lineage: Iterable[Mapping[str, Any]], observations: Sequence[Mapping[str, Any]],
) -> list[str]:  # fmt: skip
    """Every reason why a version is not validated, each with what to do; empty when it is.

    record: the newest of the model; whether its gates passed is for the analyst to judge, who signs. The others as of
    `changed`, `delivered` and `drifted`.
    """
    again = f"run {model}_validate in the validation stage"
    if record is None:
        return [f"{model} was never validated: {again}"]
    since = [f"{one} changed" for one in changed(record, wanted, tags)]
    since += [f"new data: {one}" for one in delivered(record, lineage)]
    since += [f"{one} was found" for one in drifted(record, observations)]
    if not since:
        return []
    when = f"{record['recorded_at']:%Y-%m-%d %H:%M} UTC"
    return [f"its validation of {when} is stale, since then: {', '.join(since)}: {again}"]
