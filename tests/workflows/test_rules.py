"""Contracts and sources are checked where they are declared: a wrong part is named with the valid ones."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from workflows.contract import Column, Contract
from workflows.contracts.omop_cdm import CONDITION_OCCURRENCE, PERSON, VISIT_OCCURRENCE
from workflows.errors import DeclarationError
from workflows.rules import Rule, filled, not_before, refers
from workflows.source import Join
from workflows.sources import named, names
from workflows.sources.omop import omop

ID = Column(name="id", type="long", meaning="row")
BAD = {
    "a severity": (
        lambda: replace(filled("a"), severity="bad"), "severity", "bad", "fatal, convention, characterization",
    ),
    "a threshold": (lambda: replace(filled("a"), threshold=1.5), "threshold", 1.5, "from 0 to 1"),
    "a type": (lambda: replace(ID, type="int"), "type", "int", "long"),
    "a classification": (
        lambda: replace(ID, classification="secret"), "classification", "secret", "identifier, personal, public",
    ),
    "a key": (lambda: Contract(table="t", columns=(ID,), key=("no",), meaning="m"), "key", "no", "id"),
    "a time key that is no column": (
        lambda: replace(VISIT_OCCURRENCE, time_key="start"), "time_key", "start", "valid: visit_start_date, visit_start_",
    ),
    "a time key that is no moment": (
        lambda: replace(VISIT_OCCURRENCE, time_key="person_id"), "time_key", "person_id", "visit_occurrence: time_key",
    ),
    "a time key without a moment": (lambda: replace(PERSON, time_key="year_of_birth"), "time_key", "year_of_birth", "none"),
    "a column twice": (lambda: Contract(table="t", columns=(ID, ID), key=(), meaning="m"), "columns", ["id", "id"], "once"),
    "a rule twice": (
        lambda: replace(PERSON, rules=(filled("person_id"), filled("person_id"))),
        "rules", ["person_id_filled", "person_id_filled"], "once",
    ),
    "a severity of a key": (lambda: replace(PERSON, key_severity="mild"), "key_severity", "mild", "convention"),
    "a time": (lambda: replace(omop, time="lunar"), "time", "lunar", "calendar, relative, order"),
    "a joined table without a contract": (
        lambda: replace(omop, events=(replace(omop.events[0], joins=(Join(table="moon", on="true"),)),)),
        "contracts", "moon", "condition_occurrence",
    ),
    "a rule over a table without a contract": (
        lambda: replace(omop, contracts=(*omop.contracts[1:], replace(PERSON, rules=(refers("person_id", "moon"),)))),
        "rules", "moon", "condition_occurrence",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_part_of_a_contract_or_source_is_refused_and_named(case):
    declared, field, value, valid = BAD[case]
    with pytest.raises(DeclarationError) as refused:
        declared()
    assert (refused.value.field, refused.value.value) == (field, value)
    assert valid in str(refused.value)


def test_the_ids_of_rules_say_what_they_hold():
    assert not_before("end", "start").id == "end_not_before_start"
    assert refers("visit_id", "visit").id == "visit_id_in_visit"
    assert Rule(id="x", condition="true", meaning="m").severity == "fatal", "a rule is fatal unless it says otherwise"
    ids = [rule.id for rule in CONDITION_OCCURRENCE.rules]
    assert "condition_concept_id_in_concept" in ids
    assert "condition_start_date_observed" in ids


def test_every_table_that_a_source_uses_or_looks_at_has_a_contract_and_is_delivered():
    for name in names():
        source = named(name)
        contracts = {one.table for one in source.contracts}
        assert {one.table for one in source.deliveries} == contracts
        looked = {rule.beside.table for one in source.contracts for rule in one.rules if rule.beside is not None}
        assert looked <= contracts


def test_the_moment_of_an_event_a_stay_a_span_and_a_note_is_read_from_the_time_key_of_its_table():
    for source in map(named, names()):
        read = [(one.table, one.start) for one in (*source.events, source.encounters)]
        read += [] if source.observation is None else [(source.observation.table, source.observation.start)]
        read += [] if source.notes is None else [(source.notes.table, source.notes.written)]
        for table, moment in read:
            contract = source.contract(table)
            if any(column.type in ("date", "timestamp") for column in contract.columns):
                assert contract.time_key is not None, (source.name, table)
                assert re.search(rf"\b{contract.time_key}\b", moment or ""), (source.name, table)
            else:
                assert contract.time_key is None, (source.name, table)
