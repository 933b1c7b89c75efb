"""When jobs start by themselves: schedules, checked as the service would, and the tables a job waits for.

The provider passes an expression or a time zone through that does not exist; the service refuses it in the middle of an
apply. So both are checked here.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.pipelines import JobPlan
from infra.roles import On
from workflows.cohorts import as_cohort, used
from workflows.discover import Catalogue
from workflows.errors import DeclarationError
from workflows.updates import OnTables

MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
# Quartz: (field, least, most, names, what else the field may say); the year may be left out.
# https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
FIELDS: tuple[tuple[str, int, int, Mapping[str, int], str], ...] = (
    ("seconds", 0, 59, {}, ""),
    ("minutes", 0, 59, {}, ""),
    ("hours", 0, 23, {}, ""),
    ("day of month", 1, 31, {}, r"L|LW|L-([0-9]|[12][0-9]|30)|([1-9]|[12][0-9]|3[01])W"),
    ("month", 1, 12, MappingProxyType(MONTHS), ""),
    ("day of week", 1, 7, MappingProxyType(DAYS), r"L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])"),
    ("year", 1970, 2099, {}, ""),
)
SPAN = re.compile(r"(?:(?P<first>[0-9A-Z]+)(?:-(?P<last>[0-9A-Z]+))?|\*|(?=/))(?:/(?P<step>[0-9]+))?")
FILE = "infra/pipelines.py"
# After the last of the tables that a job waits for was written: until it starts, and until it may start again.
SETTLED_SECONDS, BETWEEN_SECONDS = 300, 3600


def checked_cron(owner: str, expression: str) -> str:
    """`expression` if Quartz knows it; an error names the field that it does not."""

    def wrong(valid: str) -> DeclarationError:
        return DeclarationError(owner, "schedule", expression, valid, FILE)

    parts = expression.upper().split()
    if len(parts) not in (6, 7):
        raise wrong("six or seven fields: seconds minutes hours day-of-month month day-of-week [year]")
    if (parts[3] == "?") == (parts[5] == "?"):
        raise wrong("'?' in exactly one of day of month and day of week")
    for part, (name, least, most, known, more) in zip(parts, FIELDS, strict=False):
        for one in part.split(","):
            if (name.startswith("day of") and part == "?") or (more and re.fullmatch(more, one)):
                continue
            found = SPAN.fullmatch(one)
            numbers = [known.get(text, text) for text in (found["first"], found["last"]) if text] if found else []
            in_range = all(str(number).isdigit() and least <= int(number) <= most for number in numbers)
            step = int(found["step"]) if found and found["step"] else 1
            if not found or not in_range or not 1 <= step <= most:
                raise wrong(f"{name} from {least} to {most}, * or a list, a span or a step of them, not {one!r}")
    return expression


def checked_timezone(owner: str, timezone: str) -> str:
    """`timezone` if the time zone database has it."""
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DeclarationError(owner, "timezone", timezone, "such as UTC or America/New_York", FILE) from error
    return timezone


def checked_update(owner: str, tables: tuple[str, ...], settled: int, between: int) -> tuple[str, ...]:
    """`tables` if a table-update trigger takes them: three-part names, and no wait shorter than a minute."""
    for table in tables:
        if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+){2}", table):
            raise DeclarationError(owner, "table_names", table, "catalog.schema.table", FILE)
    for field, seconds in (("wait_after_last_change", settled), ("min_time_between_triggers", between)):
        if seconds < 60:
            raise DeclarationError(owner, field, seconds, "60 seconds or more", FILE)
    return tables


def awaited(plan: JobPlan, catalogue: Catalogue, live: Mapping[str, int]) -> tuple[str, ...]:
    """The tables (schema.table) whose change starts a featurization, where a model of its source is live.

    Not where something else is declared to start it. Before that they may not be there, and the service refuses a
    trigger on a table that is not: then the schedule holds. A source's facts follow its curated tables, a model's
    features follow the facts.
    """
    if plan.updates is not None and not isinstance(plan.updates, OnTables):
        return ()
    if plan.purpose is not On.FEATURIZE or not any(catalogue.models[name].source == plan.source for name in live):
        return ()
    if plan.declared in catalogue.models:
        model = catalogue.models[plan.declared]
        return used(catalogue.sources[plan.source], as_cohort(model.cohort), model.features)
    contracts = catalogue.sources[plan.source].contracts
    return tuple(sorted(f"{plan.source}.{contract.table}" for contract in contracts))
