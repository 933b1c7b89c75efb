"""Spark SQL that sources and contracts share. Standard library only."""

from __future__ import annotations

# How a number is written out. Without backslashes, which SQL would take for its own.
NUMBER = "^[ \t]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[ \t]*$"

# What stands around a text and means nothing: blanks, the one of HTML among them, and ends of lines.
BLANKS = " \t\r\n\u00a0"


def trimmed(expression: str) -> str:
    """The text without outer blanks."""
    return f"trim(BOTH '{BLANKS}' FROM cast({expression} AS string))"


def number(expression: str) -> str:
    """The number that a text is; null where it is none, or one too large to hold."""
    value = f"CASE WHEN {expression} RLIKE '{NUMBER}' THEN try_cast({expression} AS double) END"
    return f"CASE WHEN abs({value}) < double('Infinity') THEN {value} END"


def birth_date(year: str, month: str, day: str) -> str:
    """A day of birth, month and day 1 where they are missing; null where there is no such day."""
    return f"try_cast(concat_ws('-', {year}, coalesce({month}, 1), coalesce({day}, 1)) AS date)"


def first_birth_date(year: str, month: str, day: str) -> str:
    """The first day on which a person can have been born; of the year alone where month and day are no day."""
    return f"coalesce({birth_date(year, month, day)}, {birth_date(year, 'null', 'null')})"


def first_birth_date_of_age(day: str, age: str) -> str:
    """The first day on which a person can have been born who has so many completed years on a day."""
    return f"date_add(add_months({day}, cast(-12 * ({age} + 1) AS int)), 1)"
