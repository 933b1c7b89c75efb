"""What one check found in one table, and how many persons stand behind it."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.digest import digest
from jobs.disclosure import few
from workflows.rules import FATAL


def version_of(*parts: object) -> str:
    """A check's version: it changes when anything changes by which the check decides."""
    return digest(*parts)[:12]


@dataclass(frozen=True, kw_only=True)
class Behind:
    """Persons with a row that breaks the check, with one that keeps it, and with one of which it does not speak."""

    broken: int
    kept: int
    apart: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check found in one table.

    rows: how many break it (all of them where a column is missing). of: of how many it speaks. all_rows: how many the
    table has. state: "error" (it could not be run), "not applicable" (it speaks of no row), "failed" (more rows than
    the threshold), "passed". behind: the persons, None where the table names none. version: of the check.
    about: the columns that it looks at. why: of its state, where that does not say it all. part: what its rows are a
    part of, with those of other checks of that name and of none, which add up to `of`; kept_back: among these, its
    count would give another's away.
    """

    table: str
    check: str
    what: str
    severity: str
    state: str
    rows: int
    of: int
    threshold: float = 0.0
    version: str = ""
    all_rows: int = 0
    behind: Behind | None = None
    about: tuple[str, ...] = ()
    why: str = ""
    part: str = ""
    kept_back: bool = False

    def __str__(self) -> str:
        return self.told(None if self.few else self.rows)

    def told(self, rows: int | None) -> str:
        """Its line in a log. rows: None of few and of what would give few away alike, or it would tell which are."""
        return f"{self.table}: {self.what}: {'rows, how many is not shown' if rows is None else f'{rows:,} rows'}"

    @property
    def few(self) -> bool:
        """Whether the rows at fault are of 1 to 10 persons."""
        persons = self.rows if self.behind is None else self.behind.broken
        return few(persons, self.rows)

    @property
    def stops(self) -> bool:
        """Whether nothing may be made from the table."""
        return self.severity == FATAL and self.state in ("error", "failed")

    @property
    def reason(self) -> str:
        """Why the check has its state, without a count."""
        if self.why:
            return self.why
        allowed = f"{self.threshold:.4g} of the rows"
        return {
            "error": self.what,
            "not applicable": "it speaks of no row" if self.all_rows else "the table has no rows",
            "failed": f"more than {allowed} break it" if self.threshold else "rows break it, and none may",
            "passed": f"at most {allowed} break it" if self.threshold else "no row breaks it",
        }[self.state]
