"""Quartz cron expressions, as `quartz_cron_expression` of a schedule: when they fire next.

Seven fields: seconds, minutes, hours, day of month, month, day of week (1 = Sunday), and a year that may be left out.
`*` all, `?` no specific value, `a-b`, `a,b`, `a/b`, and in days `L` (last), `W` (nearest weekday) and `#` (the n-th).
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.errors import SandboxError

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_RANGES = (
    ("seconds", 0, 59), ("minutes", 0, 59), ("hours", 0, 23), ("day of month", 1, 31), ("month", 1, 12),
    ("day of week", 1, 7), ("year", 1970, 2099),
)  # fmt: skip
_HORIZON_DAYS = 366 * 30


@dataclass(frozen=True)
class Quartz:
    """An expression in a time zone; ``SandboxError`` names what is wrong with it."""

    expression: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        _ = self._zone, self._fields

    def after(self, moment: float) -> float | None:
        """The first time after ``moment`` (both seconds since 1970) at which it fires; None when there is none."""
        local = datetime.fromtimestamp(moment, UTC).astimezone(self._zone)
        day = local.date()
        for _ in range(_HORIZON_DAYS):
            if self._on(day):
                for clock in self._times(day):
                    # A time that a change of the clocks leaves out or repeats fires once.
                    found = clock.timestamp()
                    if found > moment:
                        return found
            day += timedelta(days=1)
        return None

    def _times(self, day: date) -> list[datetime]:
        seconds, minutes, hours = (self._fields[index] for index in range(3))
        return [
            datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=self._zone)
            for hour in sorted(hours) for minute in sorted(minutes) for second in sorted(seconds)
        ]  # fmt: skip

    def _on(self, day: date) -> bool:
        return day.month in self._fields[4] and day.year in self._fields[6] and self._day(day)

    @cached_property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise SandboxError(
                f"timezone_id = '{self.timezone}' is not valid; valid: such as UTC, Europe/Paris"
            ) from None

    @cached_property
    def _parts(self) -> list[str]:
        parts = self.expression.upper().split()
        if len(parts) not in (6, 7):
            raise self._wrong("valid: six or seven fields")
        if (parts[3] == "?") == (parts[5] == "?"):
            raise self._wrong("valid: '?' in exactly one of day of month and day of week")
        return [*parts, "*"][:7]

    @cached_property
    def _fields(self) -> dict[int, set[int]]:
        days = (3, 5)
        found = {index: self._values(index) for index in range(7) if index not in days}
        _ = self._day
        return found

    @cached_property
    def _day(self) -> Callable[[date], bool]:
        """Whether a day is one of those that either field of days names."""
        index = 5 if self._parts[3] == "?" else 3
        tests = [self._day_test(index, part) for part in self._parts[index].split(",")]
        return lambda day: any(test(day) for test in tests)

    def _day_test(self, index: int, part: str) -> Callable[[date], bool]:
        if index == 3:
            if part in ("L", "LW") or part.startswith("L-"):
                back = self._number(index, part[2:], 0, 30) if part.startswith("L-") else 0
                return lambda day: day == _last(day, weekday=part == "LW") - timedelta(days=back)
            if part.endswith("W"):
                number = self._number(index, part[:-1], 1, 31)
                return lambda day: day == _nearest_weekday(day, number)
            allowed = self._part(index, part)
            return lambda day: day.day in allowed
        if part == "L":
            return lambda day: _quartz_day(day) == 7
        if part.endswith("L"):
            (number,) = self._part(index, part[:-1])
            return lambda day: _quartz_day(day) == number and (day + timedelta(days=7)).month != day.month
        if "#" in part:
            name, _, nth = part.partition("#")
            (number,) = self._part(index, name)
            count = self._number(index, nth, 1, 5)
            return lambda day: _quartz_day(day) == number and (day.day - 1) // 7 + 1 == count
        allowed = self._part(index, part)
        return lambda day: _quartz_day(day) in allowed

    def _values(self, index: int) -> set[int]:
        return {value for part in self._parts[index].split(",") for value in self._part(index, part)}

    def _part(self, index: int, part: str) -> set[int]:
        _, low, high = _RANGES[index]
        span, slash, step = part.partition("/")
        by = self._number(index, step, 1, high) if slash else 1
        if span in ("*", ""):
            if not span and not slash:
                raise self._wrong(f"{_RANGES[index][0]} is empty")
            return set(range(low, high + 1, by))
        first, dash, last = span.partition("-")
        begin = self._number(index, first, low, high)
        if not dash:
            return set(range(begin, high + 1, by)) if slash else {begin}
        end = self._number(index, last, low, high)
        # "FRI-MON" goes on over the end.
        values = list(range(begin, end + 1)) if begin <= end else [*range(begin, high + 1), *range(low, end + 1)]
        return set(values[::by])

    def _number(self, index: int, text: str, low: int, high: int) -> int:
        names = {4: _MONTHS, 5: _DAYS}.get(index, {})
        value = names.get(text, int(text) if text.isascii() and text.isdigit() else None)
        if value is None or not low <= value <= high:
            raise self._wrong(f"{_RANGES[index][0]} '{text}'; valid: {low} to {high}")
        return value

    def _wrong(self, why: str) -> SandboxError:
        return SandboxError(f"quartz_cron_expression = '{self.expression}' is not valid: {why}")


def _quartz_day(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _last(day: date, *, weekday: bool) -> date:
    found = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    while weekday and found.isoweekday() > 5:
        found -= timedelta(days=1)
    return found


def _nearest_weekday(day: date, number: int) -> date | None:
    """The weekday nearest to a day of the month, never in another month."""
    days = calendar.monthrange(day.year, day.month)[1]
    if number > days:
        return None
    wanted = day.replace(day=number)
    shift = {6: -1, 7: 1}.get(wanted.isoweekday(), 0)
    if shift == -1 and number == 1:
        shift = 2
    if shift == 1 and number == days:
        shift = -2
    return wanted + timedelta(days=shift)
