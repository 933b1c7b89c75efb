"""The page of contracts is what the contracts say, so that what is documented is what is checked."""

from __future__ import annotations

import pytest

from workflows.contracts.facts import fact_contracts
from workflows.contracts.feature_table import feature_contract
from workflows.contracts.notes import NOTES
from workflows.contracts.reference import CONTRACTS, NAMES
from workflows.covariates import sets_of
from workflows.handbook import PAGE, page
from workflows.models.readmission import readmission
from workflows.models.readmission_uci130 import readmission_uci130
from workflows.sources import named, names


@pytest.mark.clause("F5")
def test_the_page_is_what_the_contracts_say():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


@pytest.mark.clause("4")
def test_every_table_column_and_rule_of_every_source_is_on_the_page():
    sections = page().split("\n## ")[1:]
    kinds = ["Fact tables", "Note tables", "Reference tables", "Feature tables"]
    assert [section.split("\n")[0] for section in sections] == [*names(), *kinds]
    features, references, notes = (sections.pop() for _ in range(3))
    assert set(NOTES) == {"note", "note_clean", "note_sentences"}
    for section, tables in ((notes, NOTES), (references, {NAMES[table]: one for table, one in CONTRACTS.items()})):
        for name, contract in tables.items():
            (part,) = (one for one in section.split("\n### ") if one.startswith(f"{name}\n"))
            for column in contract.columns:
                assert f"| `{column.name}` | {column.type}" in part
                assert f"| {column.classification} | {column.meaning} |" in part
            assert all(f"| `{rule.id}` | {rule.severity} |" in part for rule in contract.rules)
    # Codes are of nobody.
    assert {column.classification for contract in CONTRACTS.values() for column in contract.columns} == {"public"}
    for model in (readmission, readmission_uci130):
        source = named(model.source)
        contract = feature_contract(model, source, sets_of(model.of_events, source.collections))
        assert f"### {contract.table}\n" in features
        for column in contract.columns:
            assert f"| `{column.name}` |" in features
            assert f"| {column.meaning} |" in features
    made = {table: one for name in names() for table, one in fact_contracts(named(name)).items()}
    assert set(made) == {fact for name in names() for fact in named(name).made_from}
    for table, one in made.items():
        assert f"### {table}\n" in sections[-1]
        assert all(f"| `{column.name}` | {column.type}" in sections[-1] for column in one.columns)
    for name, section in zip(names(), sections[:-1], strict=True):
        for contract in named(name).contracts:
            assert f"### {contract.table}\n" in section
            table = section.split(f"### {contract.table}\n")[1].split("\n### ")[0]
            for column in contract.columns:
                assert f"| `{column.name}` | {column.type}" in section
                row = next(line for line in table.splitlines() if line.startswith(f"| `{column.name}` |"))
                assert ("time key" in row) == (column.name == contract.time_key), (name, row)
                assert column.meaning.replace("|", "\\|") in section
            for rule in contract.rules:
                assert f"| `{rule.id}` | {rule.severity} |" in section


def test_every_column_says_what_it_means_and_every_key_of_a_person_is_an_identifier():
    for name in names():
        source = named(name)
        for contract in source.contracts:
            assert all(column.meaning for column in contract.columns)
        (persons,) = (one for one in source.contracts if one.table == source.persons.table)
        shown = source.persons.source_value or source.persons.person_id
        (column,) = (one for one in persons.columns if one.name == shown)
        assert column.classification == "identifier", (name, shown)
