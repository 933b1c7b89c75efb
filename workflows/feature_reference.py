"""The feature reference: what each column of a feature table is, by a number that is the same in every model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date

from workflows.covariates import ENGINE, CodeRow, number_of
from workflows.feature_columns import FeatureColumn

REFERENCE_SCHEMA = (
    "covariate_id long, column_name string, covariate_name string, collection string, concept_set_name string, "
    "source_codes array<string>, window string, rule string, in_observation boolean, aggregation string, "
    "missing_means string, version string, units array<string>"
)


@dataclass(frozen=True)
class Reference:
    """One column, a row of REFERENCE_SCHEMA. Empty where a column is of no concept set, window, rule or unit."""

    covariate_id: int
    column_name: str
    covariate_name: str
    collection: str
    concept_set_name: str
    source_codes: list[str]
    window: str
    rule: str
    in_observation: bool
    aggregation: str
    missing_means: str
    version: str
    units: list[str]


def reference(some: Sequence[FeatureColumn], codes: Iterable[CodeRow]) -> list[Reference]:
    """One row a column, in their order. some: with a column that is made of others, these."""
    of: dict[tuple[str, str], list[str]] = {}
    for collection, name, vocabulary, code, first, last in codes:
        of.setdefault((collection, name), []).append(written(vocabulary, code, first, last))
    declared = {one.name: one for one in some}
    found: dict[str, Reference] = {}

    def row(name: str) -> Reference:
        if name not in found:
            one = declared[name]
            found[name] = described(one, [code for key in one.keys for code in of.get(key, [])], map(row, one.parts))
        return found[name]

    return [row(one.name) for one in some]


def described(one: FeatureColumn, codes: Sequence[str], parts: Iterable[Reference]) -> Reference:
    """The row of one column. parts: the rows of those that it is made of."""
    made_of = list(parts)
    meaning = dict(one.says) | ({"of": [part.covariate_id for part in made_of]} if made_of else {})
    held = sorted({*codes, *(code for part in made_of for code in part.source_codes)})
    return Reference(
        covariate_id=number_of(meaning), column_name=f"f_{one.name}", covariate_name=one.title,
        collection=str(meaning.get("collection", "")), concept_set_name=str(meaning.get("concept_set_name", "")),
        source_codes=held, window=str(meaning.get("window", "")), rule=str(meaning.get("rule", "")),
        in_observation=bool(meaning.get("in_observation")), aggregation=str(meaning["aggregation"]),
        missing_means=one.missing, version=version(meaning, [part.version for part in made_of] or held),
        units=list(one.units),
    )  # fmt: skip


def version(meaning: Mapping[str, object], made_of: Iterable[str]) -> str:
    """Changes when a column's meaning, its codes or parts, or the engine's reading of them does."""
    text = json.dumps([ENGINE, meaning, sorted(made_of)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rows(some: Sequence[FeatureColumn], codes: Iterable[CodeRow]) -> list[tuple[object, ...]]:
    """`reference` as rows of REFERENCE_SCHEMA."""
    return [astuple(one) for one in reference(some, codes)]


def written(vocabulary: str, code: str, first: date | None, last: date | None) -> str:
    """A code as a reader sees it: `ICD10CM:U07.1 [2020-04-01..]` where it is not of all days."""
    span = f" [{first or ''}..{last or ''}]" if first or last else ""
    return f"{vocabulary}:{code}{span}"
