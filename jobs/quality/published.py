"""Which counts of a table's checks may be published together, and beside all that was published of them before.

A count is kept back where 1 to 10 persons stand behind it or behind its complement, and where it differs by 1 to 10
from another published count of rows that have a value in the same column, or from what was shown of it before. Whoever
reads the report knows the contract, and so which rows lie inside which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from jobs.disclosure import few
from jobs.quality.result import Result

# (check, which count of it): "all" rows of the table (check ""), "of", "apart" (the rest), "rows" at fault, "kept".
Cell = tuple[str, str]
ALL: Cell = ("", "all")
# Checks of which those that keep them are just the rows with a value.
PRESENCE = ("_not_null", "_readable", "_filled")


@dataclass(frozen=True, kw_only=True)
class Published:
    """A result with its counts as they may be shown; None where one is kept back."""

    result: Result
    rows: int | None
    of: int | None
    all_rows: int | None

    @property
    def share(self) -> float | None:
        """The share of rows at fault, where both counts are shown."""
        return self.rows / self.of if self.rows is not None and self.of else None

    def __str__(self) -> str:
        return self.result.told(self.rows)


@dataclass
class Ledger:
    """What a reader knows of one table: what was shown of each count before, and the counts of filled rows so far."""

    before: Mapping[Cell, Iterable[int]]
    # (count, the columns that have a value in these rows)
    filled: list[tuple[int, frozenset[str]]] = field(default_factory=list)

    def show(self, derived: Mapping[Cell, int], filled: Iterable[str] = (), present: int = 0) -> bool:
        """Whether counts can be shown with all that follows from them; then the reader knows them.

        present: how many rows they tell to have a value in each of the columns `filled`.
        """
        columns = frozenset(filled)
        differences = list(derived.values())
        differences += [value - one for cell, value in derived.items() for one in self.before.get(cell, ())]
        differences += [present - count for count, about in self.filled if about & columns]
        if few(*map(abs, differences)):
            return False
        self.filled.append((present, columns))
        return True


def published(
    results: Sequence[Result], *, of_persons: bool, before: Mapping[Cell, Iterable[int]] | None = None
) -> list[Published]:
    """The results of one table as they may be shown.

    of_persons: False for tables that tell of nobody, whose counts are shown as they are. before: every count of each
    cell that an earlier report of the same table showed.
    """
    if not of_persons:
        return [Published(result=one, rows=one.rows, of=one.of, all_rows=one.all_rows) for one in results]
    ledger = Ledger(before or {})
    whole = max((one.all_rows for one in results), default=0)
    everybody = [one.behind.broken + one.behind.kept + one.behind.apart for one in results if one.behind]
    shown_all = whole if not few(max(everybody, default=whole)) and ledger.show({ALL: whole}) else None
    return closed([_one(result, shown_all, ledger) for result in results])


def closed(found: Sequence[Published]) -> list[Published]:
    """With nothing of a part that adds up to a count which is kept back, be it a sum or one that was shown before."""
    shut = {
        one.result.part
        for one in found
        if one.result.part and (one.of is None or (one.rows is None and not one.result.kept_back))
    }
    return [replace(one, rows=None) if one.result.part in shut and one.result.rows else one for one in found]


def _one(result: Result, shown_all: int | None, ledger: Ledger) -> Published:
    check, behind = result.check, result.behind
    of: int | None = None
    if result.of == result.all_rows:
        of = shown_all
    elif shown_all is not None and not (behind and few(behind.apart, behind.broken + behind.kept)):
        cells = {(check, "of"): result.of, (check, "apart"): shown_all - result.of}
        of = result.of if ledger.show(cells, result.about, result.of) else None
    rows: int | None = None
    if result.rows == 0:
        rows = 0
    elif not result.kept_back and not (behind and few(behind.broken, behind.kept)):
        kept, presence = result.of - result.rows, check.endswith(PRESENCE)
        # Rows without a value and rows that cannot be read make up the rest together: neither gives the other away.
        known = of if presence else shown_all
        cells = {(check, "rows"): result.rows, (check, "kept"): kept}
        if known is not None and ledger.show(cells, result.about if presence else (), kept):
            rows = result.rows
    return Published(result=result, rows=rows, of=of, all_rows=shown_all)


def shown_before(rows: Iterable[Mapping[str, int | str | None]]) -> dict[str, dict[Cell, set[int]]]:
    """By table: every count that earlier reports showed, and those that follow from them."""
    found: dict[str, dict[Cell, set[int]]] = {}
    for row in rows:
        check, cells = str(row["check_id"]), found.setdefault(str(row["table"]), {})
        counts = {"all": row["table_rows"], "of": row["rows_checked"], "rows": row["rows_at_fault"]}
        given = {name: int(value) for name, value in counts.items() if value is not None}
        if "all" in given:
            cells.setdefault(ALL, set()).add(given["all"])
        for name, parts in (("apart", ("all", "of")), ("kept", ("of", "rows"))):
            if all(part in given for part in parts):
                cells.setdefault((check, name), set()).add(given[parts[0]] - given[parts[1]])
        for name in ("of", "rows"):
            if name in given:
                cells.setdefault((check, name), set()).add(given[name])
    return found
