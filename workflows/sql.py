"""What Spark SQL expressions name, read without Spark: columns, other rows, and which columns a join equates.

Nothing is resolved: what could be a column is taken for one, and what Spark does not parse is no concern of this file.
Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

# As Spark reads it by default: text in single or double quotes, backslashes in it but not in r'...', names in
# backticks. What a quote hides of a name is told by Spark's own rules alone: `concat('\'', readmitted, '\'')` reads it.
TOKEN = re.compile(
    r"""(?P<comment> --[^\r\n]* | /\*.*?\*/ )
      | (?P<text> r'[^']*' | r"[^"]*" | '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" )
      | `(?P<quoted> (?:[^`]|``)* )`
      | (?P<word> \w+ )
      | (?P<sign> \S )""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
WINDOW, SUBQUERY = "a window function", "a subquery"
COMPUTED, NESTED = "IDENTIFIER(...)", "a comment inside of a comment"
# What hides which column is read. Where such a comment ends, only Spark's own grammar says.
HIDING = (COMPUTED, NESTED)
# `MAP ... USING` and `REDUCE ... USING` are queries too.
OTHER_ROWS = {"over": WINDOW, "select": SUBQUERY, "using": SUBQUERY}
# A query needs no SELECT: `(TABLE rates)`, `(FROM rates |> AGGREGATE avg(x))`. A column of such a name stands alone.
QUERIES = {"from", "table", "values", "with"}


class Token(NamedTuple):
    """A part of an expression: text, a quoted name, a word or a sign; names in lower case."""

    kind: str
    text: str

    @property
    def named(self) -> bool:
        """Whether it is a word or a name in backticks."""
        return self.kind in ("word", "quoted")


NONE = Token("sign", "")


def tokens(expression: str) -> list[Token]:
    """Its parts in order, without comments."""
    found = []
    for match in TOKEN.finditer(expression):
        kind = match.lastgroup or ""
        if kind != "comment":
            found.append(Token(kind, match[kind].replace("``", "`").lower()))
    return found


def columns(expression: str) -> set[tuple[str, str]]:
    """(of what, name) of all that could be a column, `*` for every one there is; empty where it is not said of what."""
    found, parts = set(), tokens(expression)
    for at, part in enumerate(parts):
        before = parts[at - 1] if at else Token("sign", "(")
        after = parts[at + 1] if at + 1 < len(parts) else NONE
        # After a number, a name or a bracket it multiplies.
        star = part == ("sign", "*") and before.kind == "sign" and before.text not in (")", "]")
        # A function is no column, nor is what a column is of: no contract has columns inside of columns.
        if star or (part.named and after not in (("sign", "("), ("sign", "."))):
            found.add((parts[at - 2].text if before == ("sign", ".") and at > 1 else "", part.text))
    return found


def names(expression: str | None, among: Iterable[str]) -> set[str]:
    """Those among some columns (in lower case) that an expression names, whatever it says they are of."""
    said = {name for _, name in columns(expression or "")}
    return set(among) if "*" in said else said & set(among)


def beyond(expression: str) -> str | None:
    """What in an expression sees other rows than its own, or hides which column it reads; None where nothing does."""
    if any((match["comment"] or "").rfind("/*") > 0 and match[0][0] == "/" for match in TOKEN.finditer(expression)):
        return NESTED
    parts = [*tokens(expression), NONE, NONE]
    for one, two, three in zip([NONE, *parts], parts, parts[1:], strict=False):
        if two.kind != "word":
            continue
        if two.text in OTHER_ROWS:
            return OTHER_ROWS[two.text]
        if two.text in QUERIES and one.text == "(" and (three.kind != "sign" or three.text == "("):
            return SUBQUERY
        if two.text == "identifier" and three == ("sign", "("):
            return COMPUTED
    return None


def equalities(condition: str) -> list[tuple[list[Token], list[Token]]]:
    """Both sides of each equality that a condition needs: those that AND puts beside each other.

    There is none where something else than AND stands outside of brackets, as it could make one of them matter less.
    """
    parts: list[list[Token]] = [[]]
    depth, found = 0, []
    for token in tokens(condition):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0) if token.kind == "sign" else 0
        if token.kind == "word" and depth == 0 and token.text in ("or", "between", "case"):
            return []
        if token == ("word", "and") and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    for part in parts:
        at = [n for n, token in enumerate(part) if token.kind == "sign" and token.text in "=<>!"]
        if len(at) == 1 and part[at[0]].text == "=" and part[0] != ("word", "not"):
            found.append((part[: at[0]], part[at[0] + 1 :]))
    return found


def column_of(side: list[Token]) -> tuple[str, str] | None:
    """(table, column) where a side of an equality is a column and no more; None where it is anything else."""
    plain = len(side) == 3 and side[0].named and side[1] == ("sign", ".") and side[2].named
    return (side[0].text, side[2].text) if plain else None
