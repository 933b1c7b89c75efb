"""Writes `docs/contracts.md`: the contracts of all that is delivered or made. `python -m workflows.handbook`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from workflows.contract import Column, Contract
from workflows.contracts.facts import (
    FACT_OBSERVATION_PERIOD,
    FACT_PERSON,
    FACT_PROVIDER,
    PERSON_XREF,
    fact_encounter_index,
)
from workflows.contracts.feature_table import FIXED, KEY, OLDEST, OUTCOME, TIME_KEY
from workflows.contracts.notes import NOTES
from workflows.contracts.reference import CONTRACTS, NAMES
from workflows.covariates import sets_of
from workflows.declare import Model
from workflows.discover import discover
from workflows.feature_columns import ATTRIBUTE, COUNT, DAY, FLAG, NUMBER, TEXT, feature_columns
from workflows.source import Source
from workflows.sources import named, names

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "contracts.md"
HOLDS = {
    TEXT: "text", ATTRIBUTE: "what the encounter has", FLAG: "yes or no", COUNT: "a count", DAY: "a day",
    NUMBER: "a number",
}  # fmt: skip
MUST = {
    HOLDS[FLAG]: "0 or 1",
    HOLDS[COUNT]: "a whole number, not below 0",
    HOLDS[DAY]: "inside its window; `days_since` counted back from the index date, `first` and `last` towards it",
    f"{HOLDS[NUMBER]}, or any of these": f"no NaN; an age is from 0 to {OLDEST} years (a convention, the rest fatal)",
    "`outcome`": "there where `outcome_known`, and nowhere else",
}
HEAD = """# Contracts
What must hold of each curated table, as `workflows/contracts/` declares it; made by `make docs`. The task `check` of a
featurization holds every delivery against it, with one query a table.

**fatal**: the rows are kept apart in `<source>_ra.rejected_<table>` and the job fails; **convention**: counted and
reported, the rows stay; **characterization**: a figure that describes the source. A check is passed, failed, not
applicable (it speaks of no row) or an error (it could not be run). Missing columns, unreadable values, empty required
values, values that are not allowed and text that is not UTF-8 are fatal in every delivered table; unknown columns are a
convention, or fatal where a table says that new columns are refused.

A **key** tells two rows apart; the **time key** is the moment that a row is of. Where a table has none, its rows are of
no moment, their moment stands in another table, or time is relative or an order.
"""


def cell(text: str) -> str:
    """Text that may stand in a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


def column_row(column: Column, key: tuple[str, ...], time_key: str | None) -> str:
    """One column as a row."""
    kind = column.type + (f", {column.unit}" if column.unit else "")
    must = [
        "key" if column.name in key else "",
        "time key" if column.name == time_key else "",
        "required" if not column.nullable else "",
        "may be missing" if column.optional else "",
        f"also called {', '.join(column.also)}" if column.also else "",
        f"one of {', '.join(column.allowed)}" if column.allowed else "",
    ]
    said = "; ".join(one for one in must if one)
    return f"| `{column.name}` | {kind} | {cell(said)} | {column.classification} | {cell(column.meaning)} |"


def contract_lines(contract: Contract, name: str = "") -> Iterator[str]:
    """One table: its columns, then its rules. name: what it is called, where that says its zone too."""
    yield f"### {name or contract.table}"
    notes = ["exact duplicates count once"] if contract.once else []
    notes += ["may be empty"] if contract.empty else []
    notes += ["new columns are refused"] if contract.new_columns == "refuse" else []
    notes += (
        [f"a repeated key is a {contract.key_severity}"] if contract.key and contract.key_severity != "fatal" else []
    )
    yield f"{contract.meaning[0].upper()}{contract.meaning[1:]}{'; ' if notes else ''}{'; '.join(notes)}."
    yield ""
    yield "| column | type | holds | classification | meaning |"
    yield "|---|---|---|---|---|"
    for column in contract.columns:
        yield column_row(column, contract.key, contract.time_key)
    if contract.rules:
        yield ""
        yield "| rule | severity | share that may break it | what must hold |"
        yield "|---|---|---|---|"
        for rule in contract.rules:
            yield f"| `{rule.id}` | {rule.severity} | {rule.threshold:g} | {cell(rule.meaning)} |"
    yield ""


def source_lines(source: Source) -> Iterator[str]:
    """One source: what it becomes, then its tables."""
    yield f"## {source.name}"
    made = "; ".join(f"`{fact}` from {', '.join(tables)}" for fact, tables in source.made_from.items())
    yield f"{source.title}. Its time is {source.time}. It becomes {made}."
    if source.assumed:
        tables = ", ".join(f"`{table}`" for table in source.assumed)
        yield f"When their rows were known is assumed, {source.lag} days after the day of the event, of {tables}."
    yield ""
    for contract in source.contracts:
        yield from contract_lines(contract)


FACTS = (FACT_PERSON, fact_encounter_index(), FACT_OBSERVATION_PERIOD, FACT_PROVIDER, PERSON_XREF)
FACT_WORDS = """\
Each is held against its contract once it is written; one that breaks it gives way to the version before it.
Encounters have their source's attributes and outcomes beside these columns."""
NOTE_WORDS = """\
`<source>_ra.note`, `.note_clean` and `.note_sentences`, of each source that has notes. Each is held against
its contract like a fact table; the last two also give way together where the sentences are not accepted."""
REFERENCE_WORDS = """\
What codes are held against. All files of a delivery are held against these contracts before the first table
is written, so that one that breaks its contract changes no table."""


def section(title: str, words: str, contracts: Mapping[str, Contract]) -> Iterator[str]:
    """Tables that are alike for all sources. contracts: by the name that a table has."""
    yield from (f"## {title}", words, "")
    for name, contract in contracts.items():
        yield from contract_lines(contract, name)


def model_lines(model: Model) -> Iterator[str]:
    """The feature table of one model: the columns that its features become."""
    source = named(model.source)
    yield f"### feature_{model.name}"
    yield f"{model.question} Source: {source.name}."
    yield ""
    yield "| column | holds | meaning |"
    yield "|---|---|---|"
    for one in feature_columns(model, source, sets_of(model.of_events, source.collections)):
        yield f"| `f_{one.name}` | {HOLDS[one.holds]}{f', {one.unit}' if one.unit else ''} | {cell(one.meaning)} |"
    yield ""


def feature_lines() -> Iterator[str]:
    """The feature tables: what all have, what holds of each kind of column, then those of every model."""
    yield "## Feature tables"
    yield "`<source>_ra.feature_<model>` has a contract that is made of what the model declares. Like a fact table it"
    yield "is checked once it is written, and one that breaks its contract gives way to the version before it. In the"
    yield "catalog each column of fact, note, reference and feature tables has its meaning as its comment."
    yield ""
    yield "| column | type | holds | classification | meaning |"
    yield "|---|---|---|---|---|"
    clusters = [folder.name for folder in (ROOT / "clusters").iterdir() if folder.is_dir()]
    models = discover(clusters=clusters, examples=False).models.values()
    for column in (*FIXED, *OUTCOME):
        yield column_row(column, KEY, TIME_KEY)
    yield ""
    yield "| holds | what must be so, where there is a value |"
    yield "|---|---|"
    yield from (f"| {holds} | {must} |" for holds, must in MUST.items())
    yield ""
    for model in models:
        yield from model_lines(model)


def page() -> str:
    """The whole page."""
    lines = [line for name in names() for line in source_lines(named(name))]
    lines += section("Fact tables", FACT_WORDS, {one.table: one for one in FACTS})
    lines += section("Note tables", NOTE_WORDS, {one.table: one for one in NOTES.values()})
    lines += section("Reference tables", REFERENCE_WORDS, {NAMES[table]: one for table, one in CONTRACTS.items()})
    lines += feature_lines()
    return "\n".join([HEAD, *lines]).rstrip() + "\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written", file=sys.stderr)


if __name__ == "__main__":
    main()
