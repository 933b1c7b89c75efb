"""Which counts of an evaluation may stand beside earlier ones: a difference of 1 to 10 tells of few persons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from jobs.disclosure import moved, with_others

KINDS = ("encounters", "persons", "events")
ALL = "all"
# (split, subgroup) -> kind of count -> every value of it that was shown.
Earlier = Mapping[tuple[str, str], Mapping[str, Collection[int]]]


def derived(counts: Mapping[str, Any]) -> dict[str, int]:
    """The counts that are shown, and that of encounters without the event, which follows from them."""
    return with_others({kind: int(counts[kind]) for kind in KINDS if not pd.isna(counts[kind])})


def earlier(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, set[int]]]:
    """What earlier evaluations of a model showed. rows: of its evaluation table."""
    found: dict[tuple[str, str], dict[str, set[int]]] = {}
    for row in rows:
        for kind, count in derived(row).items():
            found.setdefault((row["split"], row["subgroup"]), {}).setdefault(kind, set()).add(count)
    return found


def differs(counts: Mapping[str, Any], before: Mapping[str, Collection[int]]) -> bool:
    """Whether any count of a group differs by 1 to 10 from what was shown of it before."""
    return any(moved(count, before.get(kind, ())) for kind, count in derived(counts).items())


def beside(table: pd.DataFrame, before: Earlier) -> pd.DataFrame:
    """An evaluation without the counts that would tell of few persons beside earlier ones; what was measured stays.

    The groups of one dimension make up the whole, so that their counts are shown or kept back together; where the
    whole is kept back, all are.
    """
    kept = set()
    for split, rows in table.groupby("split"):
        groups = {row["subgroup"]: row for row in rows.drop_duplicates("subgroup").to_dict("records")}
        told = {name for name, row in groups.items() if differs(row, before.get((str(split), name), {}))}
        dimensions = {name.partition("=")[0] for name in told}
        kept |= {(split, name) for name in groups if dimensions & {ALL, name.partition("=")[0]}}
    hide = [key in kept for key in zip(table["split"], table["subgroup"], strict=True)]
    return _uncounted(table, pd.Series(hide, index=table.index))


def without(table: pd.DataFrame, splits: Collection[str]) -> pd.DataFrame:
    """An evaluation without the counts of some splits; what was measured stays."""
    return _uncounted(table, table["split"].isin(splits))


def _uncounted(table: pd.DataFrame, hide: pd.Series) -> pd.DataFrame:
    return table.assign(**{kind: table[kind].astype("Int64").mask(hide) for kind in KINDS})
