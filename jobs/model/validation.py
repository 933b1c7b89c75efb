"""The validation record of a method on a feature store: what it is of, and what makes it stale.

The seed: "Validation repeats whenever a method is updated or data are added to a feature store, even with no code
change."
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jobs.model.definition import DEFINITION, apart, of_tags
from jobs.model.lineage import newest_of
from jobs.model.monitoring import decision

RECORD = {
    "model": "string", "declaration_hash": "string", "method": "string", "features_hash": "string",
    "contracts_hash": "string", DEFINITION: "string", "feature_table_version": "long", "source_versions": "string",
    "code": "string", "requirements_hash": "string", "mlflow_run_id": "string", "auroc": "double", "passed": "boolean",
    "job_run_id": "string", "trained_at": "timestamp", "recorded_at": "timestamp",
}  # fmt: skip
# The declaration holds the method with its search space, the cohort, the outcome and the features.
HASHES = {"declaration_hash": "its declaration", "contracts_hash": "the contracts or the mapping of its source"}


def newest(records: Iterable[Mapping[str, Any]], model: str) -> Mapping[str, Any] | None:
    """The last record of a model; None where there is none."""
    return max((one for one in records if one["model"] == model), key=lambda one: one["recorded_at"], default=None)


def changed(record: Mapping[str, Any], tags: Mapping[str, str]) -> list[str]:
    """In words, what of a version is not what was validated. tags: of the version."""
    found = [
        f"{words} changed (validated: {short(record[name])}, of this version: {short(tags.get(name))})"
        for name, words in HASHES.items()
        if record[name] != tags.get(name)
    ]
    validated, trained = of_tags({DEFINITION: record[DEFINITION] or ""}), of_tags(tags)
    if trained is None:
        return [*found, "what its features mean is not kept by this version"]
    if validated is None:
        return [*found, "what its features mean was not kept by the validation"]
    return found + [f"{one} changed" for one in apart(trained, validated)]


def short(digest: str | None) -> str:
    """As much of a hash as tells it from another."""
    return digest[:8] if digest else "not kept"


def delivered(record: Mapping[str, Any], lineage: Iterable[Mapping[str, Any]], source: str) -> list[str]:
    """The source tables that brought something new since, as `premier.patdemo version 4 (validated: 3)`.

    lineage: object, version, inputs (JSON text, table -> version) and written_at of what the stage of the record has
    written. The fact tables count that the validated features were made from: what else reads a delivery (a check that
    refuses it, say) adds nothing to a feature store. A version that a withdrawal made adds nothing either.
    """
    ours: set[tuple[str, int]] = set()
    before: dict[tuple[str, int], dict[str, int]] = {}
    now: dict[str, dict[str, int]] = {}
    for one in sorted(lineage, key=lambda row: row["written_at"]):
        place = (one["object"], int(one["version"]))
        ours.add(place)
        now[one["object"]] = json.loads(one["inputs"] or "{}")
        # A table that was dropped and made again has had some versions twice.
        if one["written_at"] <= record["recorded_at"]:
            before[place] = now[one["object"]]
    found = {}
    for fact, version in json.loads(record["source_versions"] or "{}").items():
        validated = before.get((fact, newest_of(version)), {})
        for table, read in now.get(fact, {}).items():
            then = validated.get(table, -1)
            new = then > read or any((table, number) not in ours for number in range(then + 1, read + 1))
            if new and table.startswith(f"{source}."):
                found[table] = f"{table} version {read} (validated: {'none' if then < 0 else then})"
    return [found[table] for table in sorted(found)]


def drifted(record: Mapping[str, Any], observations: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of drift found since that were not there when the method was trained, as `calibration drift`.

    observations: rows of the model's monitoring. As long as nobody promotes a better version, the same drift of the
    same champion is found every day: it makes a record stale once, and again where it had gone.
    """
    runs: dict[tuple[Any, str], list[Mapping[str, Any]]] = {}
    for one in sorted(observations, key=lambda row: row["observed_at"]):
        runs.setdefault((one["observed_at"], one["job_run_id"]), []).append(one)
    known: dict[int, set[str]] = {}
    found: set[str] = set()
    for (observed_at, _), rows in runs.items():
        signals = {one for one in decision(list(map(dict, rows))).split(" and ") if one}
        version = int(rows[0]["model_version"])
        if observed_at <= record["trained_at"]:
            known[version] = signals
        else:
            found |= signals - known.get(version, set())
            known[version] = known.get(version, set()) & signals
    return sorted(found)


def refusals(
    record: Mapping[str, Any] | None, *, model: str, source: str, tags: Mapping[str, str],
    lineage: Iterable[Mapping[str, Any]], observations: Sequence[Mapping[str, Any]],
) -> list[str]:  # fmt: skip
    """Every reason why a version is not validated, each with what to do; empty when it is.

    record: the newest of the model; whether its gates passed is for the analyst to judge, who signs. The others as of
    `changed`, `delivered` and `drifted`.
    """
    again = f"run {model}_validate in the validation stage, after {source}_featurize and {model}_featurize"
    if record is None:
        return [f"{model} was never validated: {again}"]
    other = changed(record, tags)
    since = [*other, *(f"new data: {one}" for one in delivered(record, lineage, source))]
    since += [f"{one} was found" for one in drifted(record, observations)]
    if not since:
        return []
    when = f"{record['recorded_at']:%Y-%m-%d %H:%M} UTC"
    # Validating again does not make a version that is the older of the two another one.
    anew = "; or train a new version, where what was validated is the newer" if other else ""
    return [f"its validation of {when} is stale, since then: {', '.join(since)}: {again}{anew}"]
