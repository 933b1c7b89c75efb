"""How sources spell vocabularies, and how OMOP does: the one table, `vocabularies.csv`, as Spark SQL.

A spelling is known whatever its case and outer blanks. An unknown one stays as it is and is counted by a rule; where a
source gives none, the vocabulary is `None`, as OMOP names it.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

from workflows.errors import DeclarationError
from workflows.expressions import trimmed
from workflows.rules import Rule

COLUMNS = ["spelling", "scope", "vocabulary_id", "why"]
UNSAID = "None"


@cache
def spellings(scope: str = "") -> dict[str, str]:
    """Spelling in upper case -> vocabulary_id; those of `scope` go before those of any."""
    file = resources.files("workflows").joinpath("vocabularies.csv")
    reader = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    if reader.fieldnames != COLUMNS:
        raise DeclarationError("vocabularies", "columns", reader.fieldnames, COLUMNS, "workflows/vocabularies.csv")
    found: dict[str, dict[str, str]] = {}
    for row in reader:
        of_scope, spelling = found.setdefault(row["scope"], {}), row["spelling"].upper()
        if spelling in of_scope:
            raise DeclarationError(
                "vocabularies", "spelling", row["spelling"], "each spelling once a scope", "workflows/vocabularies.csv"
            )
        of_scope[spelling] = row["vocabulary_id"]
    if scope not in found:
        raise DeclarationError("vocabularies", "scope", scope, sorted(found), "workflows/vocabularies.csv")
    return found[""] | found[scope]


def vocabulary_id(spelled: str, scope: str = "") -> str:
    """Spark SQL that turns what the source says (an expression) into OMOP's name of the vocabulary."""
    key = f"upper({trimmed(spelled)})"
    cases = " ".join(f"WHEN '{spelling}' THEN '{name}'" for spelling, name in sorted(spellings(scope).items()))
    return f"CASE coalesce({key}, '') WHEN '' THEN '{UNSAID}' {cases} ELSE {trimmed(spelled)} END"


def known(column: str, scope: str = "") -> Rule:
    """The source spells its vocabularies in a way that the table knows; an empty spelling is unknown too."""
    listed = ", ".join(f"'{spelling}'" for spelling in sorted(spellings(scope)))
    return Rule(
        id=f"{column}_known", severity="convention", meaning=f"{column} is a known spelling of a vocabulary",
        condition=f"coalesce(upper({trimmed(column)}), '') IN ({listed})",
    )  # fmt: skip
