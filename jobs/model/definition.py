"""What a model's features mean: a digest of each part of its definition, so that a part declared anew is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from jobs.digest import digest
from workflows.cohorts import Cohort, criteria
from workflows.covariates import code_rows, sets_of
from workflows.declare import Event, Model, public_fields
from workflows.features import Feature, OfEvents
from workflows.source import Source

if TYPE_CHECKING:
    from jobs.io.commits import Commits

# Under this a commit of a feature table, a run and a version keep it.
DEFINITION = "definition"
# Digits of a digest: a tag holds one of every feature.
DIGITS = 12
Definition = Mapping[str, Any]


def meaning(value: Any) -> Any:
    """A part of a declaration without what is as by default, and without the reasons that it gives.

    A field that a later version of the vocabulary adds makes no definition another.
    """
    if is_dataclass(value):
        kept = {one.name: one for one in fields(value)}
        said = {k: meaning(v) for k, v in public_fields(value).items() if k != "because" and v != usual(kept[k])}
        return (type(value).__name__, sorted(said.items()))
    if isinstance(value, (list, tuple)):
        return [meaning(one) for one in value]
    return value


def usual(field: Field[Any]) -> Any:
    """What a field is where nobody says anything; MISSING where somebody must."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def definition(model: Model, source: Source, cohort: Cohort) -> dict[str, Any]:
    """A digest of the cohort, of the outcome and of each feature, each with the codes of its concept sets.

    cohort: as of `of_model`. The code that reads them is no part of it.
    """
    outcome = [model.outcome.criterion] if isinstance(model.outcome, Event) else []

    def of(part: Any, events: Iterable[Feature | OfEvents]) -> str:
        codes = []
        for one in events:
            rows = code_rows([one], sets_of([one], source.collections))
            codes.append([row for row in rows if isinstance(one, OfEvents) and one.set_name in ("", row[1])])
        return digest(meaning(part), codes)[:DIGITS]

    return {
        "cohort": of(cohort, criteria(cohort)),
        "outcome": of(model.outcome, outcome),
        "features": {one.name: of(one, [one]) for one in model.features},
    }


def of_table(commits: Commits, table: str, version: int) -> dict[str, Any] | None:
    """The definition by which a version of a feature table was made; None where its commits say none."""
    found = commits.saying(table, version, DEFINITION)
    return dict(found) if found else None


def of_tags(tags: Mapping[str, str]) -> dict[str, Any] | None:
    """The definition that a run or a version was trained on; None for one from before versions had it."""
    return dict(json.loads(tags[DEFINITION])) if tags.get(DEFINITION) else None


def anew(trained: Definition, present: Definition) -> list[str]:
    """The features of `trained` that are others in `present`, or not there; those that came later do not count."""
    now = present["features"]
    return sorted(name for name, said in trained["features"].items() if now.get(name) != said)


def differs(trained: Definition, present: Definition) -> list[str]:
    """In words, each part of `trained` that is another in `present`."""
    parts = [f"the {part}" for part in ("cohort", "outcome") if trained[part] != present[part]]
    return parts + [f"feature {name}" for name in anew(trained, present)]


def apart(one: Definition, other: Definition) -> list[str]:
    """In words, each part that is in only one of two definitions, or another there."""
    words = differs(one, other)
    return words + [said for said in differs(other, one) if said not in words]
