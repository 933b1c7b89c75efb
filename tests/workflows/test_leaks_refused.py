"""The leak court, first part: what a declaration can say of a leak is refused where it is said; its twin passes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from workflows.contract import Column
from workflows.declare import AnyOf, AtIndex, CountOf, Demographics, Event, InpatientStays, Recorded, days, replace
from workflows.errors import DeclarationError
from workflows.leaks import refuse_end, refuse_other_rows, refuse_outcome
from workflows.models.readmission_uci130 import readmission_uci130
from workflows.source import Encounters, Events, Join, Observation, Persons, Source
from workflows.sources import named, names
from workflows.sources.nafld import nafld
from workflows.sources.omop import omop
from workflows.sources.premier import premier
from workflows.sources.uci130 import uci130

ENCOUNTERS, PERSONS, KIND = uci130.encounters, uci130.persons, uci130.events[0]


def uci(attribute: str = "", events: str = "", **kind: Any) -> Source:
    """UCI 130 with one more attribute, or one more kind of event that has this code or these fields."""
    more = replace(ENCOUNTERS, attributes=(*ENCOUNTERS.attributes, ("more", attribute)))
    fields_of = {"code": events} if events else kind
    return replace(
        uci130,
        encounters=more if attribute else ENCOUNTERS,
        events=(*uci130.events, replace(KIND, **fields_of)) if fields_of else uci130.events,
    )


def uci_column(column: Column, **kind: str) -> Source:
    """UCI 130 with one more column of its contract, and a kind of event that may read it."""
    (contract,) = uci130.contracts
    return replace(uci(**kind), contracts=(replace(contract, columns=(*contract.columns, column)),))


def joined(on: str, **kind: str) -> Source:
    """UCI 130 with codes of an encounter beside the row's own."""
    own = {"person_id": "encounter.patient_nbr", "visit_occurrence_id": "encounter.encounter_id", "where": "true"}
    join = Join(table="encounter", name="other", on=on)
    return replace(uci130, events=(replace(KIND, joins=(join,), **own, **kind),))


def of_premier(code: str) -> Source:
    """Charges of Premier's shape, beside which the encounter stands, whose outcome is how it ended."""
    charge = next(one for one in premier.events if one.table == "patbill")
    died = replace(premier.encounters, outcomes=(("died", "DISC_STATUS = 20"),))
    return replace(premier, encounters=died, events=(replace(charge, code=code),))


def twice(code: str) -> Source:
    """UCI 130 whose one file is delivered as two tables."""
    (contract,), (delivery,) = uci130.contracts, uci130.deliveries
    return replace(
        uci130, contracts=(contract, replace(contract, table="again")),
        deliveries=(delivery, replace(delivery, table="again")), events=(replace(KIND, table="again", code=code),),
    )  # fmt: skip


def outcome(source: Source, *features: Any) -> None:
    """As a model of it is checked: its features are read from the stay's codes, or as said."""
    told = next(iter(source.outcomes))
    model = replace(readmission_uci130, features=features or [STAY_CODES], outcome=Recorded(told, equals="<30"))
    refuse_outcome(model, source, "x.py")


def of_persons(**changed: str) -> Source:
    return replace(uci130, persons=replace(PERSONS, **changed))


def of_encounters(**changed: Any) -> Source:
    return replace(uci130, encounters=replace(ENCOUNTERS, **changed))


def of_periods(end: str) -> Source:
    dead = replace(nafld.encounters, outcomes=(("death", "cast(status AS string)"),))
    assert nafld.observation is not None
    return replace(nafld, encounters=dead, observation=replace(nafld.observation, end=end))


STAY_CODES = AnyOf("icd9_chapters", because="of the stay")
MORE = AtIndex("more", because="delivered so")
OBSERVED = CountOf("charlson", days(-365, -1), in_observation=True)
READMITTED = "if(readmitted = '<30', 'R99', 'Z00')"
DIAGNOSED = "if(diag_1 = '250', 'R99', 'Z00')"
NEXT = "lag(encounter_id) OVER (PARTITION BY patient_nbr ORDER BY encounter_id)"
HYPHEN = Column(name="re-admitted", type="string", meaning="the outcome once more")
COPY = Column(name="copy", type="string", meaning="the outcome once more", also=("readmitted",))
NAMED = Column(name="copy", type="string", meaning="something else", also=("copied",))
# the leak, what is said of it, and its clean twin
REFUSED = {
    "a code from the time at risk": (
        lambda: AnyOf("chronic_conditions", days(-30, 5), because="coded by then"), "later days never",
        lambda: AnyOf("chronic_conditions", days(-30, 0), because="coded by then"),
    ),
    "a count over all time, as a window": (
        lambda: CountOf("inpatient_admission", days(-3650, 3650)), "later days never",
        lambda: CountOf("inpatient_admission", days(-3650, -1)),
    ),
    "the time at risk from the index day on": (
        lambda: Event("inpatient_admission", days(0, 30)), "day 1 or later",
        lambda: Event("inpatient_admission", days(1, 30)),
    ),
    "a count over all time, in the mapping": (
        lambda: refuse_other_rows(uci(attribute="count(*) OVER (PARTITION BY patient_nbr)")), "a window function",
        lambda: refuse_other_rows(uci(attribute="number_inpatient + number_outpatient")),
    ),
    "a target encoding over all data": (
        lambda: refuse_other_rows(uci(attribute="avg(int(readmitted = '<30')) over w")), "a window function",
        lambda: refuse_other_rows(uci(attribute="medical_specialty")),
    ),
    "a target encoding, as a vocabulary": (
        lambda: refuse_other_rows(uci(vocabulary="string(avg(int(readmitted = '<30')) OVER (PARTITION BY payer_code))")),
        "events.encounter.vocabulary", lambda: refuse_other_rows(uci(vocabulary="if(payer_code = 'over', 'A', 'B')")),
    ),
    "a target encoding by a subquery": (
        lambda: refuse_other_rows(uci(attribute="(SELECT avg(x) FROM rates)")), "a subquery",
        lambda: refuse_other_rows(uci(attribute="coalesce(payer_code, 'select one')")),
    ),
    "a subquery without SELECT": (
        lambda: refuse_other_rows(uci(attribute="(FROM rates |> AGGREGATE avg(x))")), "a subquery",
        lambda: refuse_other_rows(uci(attribute="trim(BOTH ' ' FROM payer_code)")),
    ),
    "a member of a table": (
        lambda: refuse_other_rows(uci(where="diag_1 IN (/* all */ TABLE came_back)")), "a subquery",
        lambda: refuse_other_rows(uci(where="diag_1 IN ('table', '250')")),
    ),
    "a subquery between quotes that are text": (
        lambda: refuse_other_rows(uci(attribute=r"concat('\'', (SELECT max(x) FROM rates), '\'')")), "a subquery",
        lambda: refuse_other_rows(uci(attribute=r"concat('\'', payer_code, ' (SELECT x) \'')")),
    ),
    "a column of a later encounter": (
        lambda: refuse_other_rows(uci(attribute="lead(time_in_hospital) OVER (PARTITION BY patient_nbr ORDER BY encounter_id)")),
        "rows of later times", lambda: refuse_other_rows(uci(attribute="time_in_hospital")),
    ),
    "codes of a later encounter, as an encounter's own": (
        lambda: refuse_other_rows(uci(visit_occurrence_id=NEXT)), "events.encounter.visit_occurrence_id",
        lambda: refuse_other_rows(uci(visit_occurrence_id="encounter_id")),
    ),
    "codes of a later encounter, by a join": (
        lambda: refuse_other_rows(joined("other.encounter_id = encounter.encounter_id + 1", code="other.diag_1")),
        "valid: other.encounter_id = a column of encounter",
        lambda: refuse_other_rows(joined("other.encounter_id = encounter.encounter_id", code="other.diag_1")),
    ),
    "codes of any encounter of the person, by a join": (
        lambda: refuse_other_rows(joined("other.patient_nbr = encounter.patient_nbr", code="other.diag_1")),
        "rows of later times",
        lambda: refuse_other_rows(joined("encounter.encounter_id = other.encounter_id AND other.diag_1 <> '?'", code="other.diag_1")),
    ),
    "codes of later encounters, beside the key": (
        lambda: refuse_other_rows(joined("false OR other.encounter_id = encounter.encounter_id AND true OR other.encounter_id > encounter.encounter_id", code="other.diag_1")),
        "rows of later times",
        lambda: refuse_other_rows(joined("other.encounter_id = encounter.encounter_id AND (other.diag_1 = '250' OR true)", code="other.diag_1")),
    ),
    "a name made of text": (
        lambda: refuse_other_rows(uci(attribute="IDENTIFIER('read' || 'mitted')")), "hides which column is read",
        lambda: refuse_other_rows(uci(attribute="concat('identifier (', payer_code, ')')")),
    ),
    "a comment inside of a comment": (
        lambda: refuse_other_rows(uci(attribute="/* /* */ ' */ readmitted /* ' */")), "hides which column is read",
        lambda: refuse_other_rows(uci(attribute="/* one */ payer_code /* two */ -- /* three")),
    ),
    "a band of age over all time": (
        lambda: refuse_other_rows(of_persons(age_band="max(age) OVER (PARTITION BY patient_nbr)")), "persons.age_band",
        lambda: refuse_other_rows(of_persons(age_band="upper(age)")),
    ),
    "the outcome behind an attribute that nobody uses": (
        lambda: refuse_other_rows(of_encounters(at_end=(), attributes=(("copied", "readmitted"), ("more", "attr_copied")))),
        "attr_copied is made of them", lambda: refuse_other_rows(uci(attribute="'attr_copied'")),
    ),
    "the outcome by its name among the facts": (
        lambda: refuse_other_rows(of_persons(sex="outcome_readmitted")), "outcome_readmitted is made of them",
        lambda: refuse_other_rows(of_persons(sex="nullif(gender, 'outcome_readmitted')")),
    ),
    "a code that is the outcome": (
        lambda: outcome(uci(events=READMITTED)), "columns that do not tell the outcome",
        lambda: outcome(uci(events=DIAGNOSED)),
    ),
    "an attribute that is the outcome": (
        lambda: outcome(uci(attribute="readmitted <> 'NO'"), MORE), "readmitted is read from readmitted",
        lambda: outcome(uci(attribute="nullif(payer_code, 'readmitted')"), MORE),
    ),
    "the outcome in capitals and backticks": (
        lambda: outcome(uci(attribute="encounter.`READMITTED`"), MORE), "take readmitted out of encounters.attributes.more",
        lambda: outcome(uci(attribute="encounter.`RACE`"), MORE),
    ),
    "the outcome among all columns": (
        lambda: outcome(uci(attribute="to_json(struct(*))"), MORE), "take readmitted out of",
        lambda: outcome(uci(attribute="2 * number_inpatient"), MORE),
    ),
    "the outcome between quotes that are text": (
        lambda: outcome(uci(attribute="""concat("'", readmitted, "'")"""), MORE), "take readmitted out of",
        lambda: outcome(uci(attribute=r"concat('\'', payer_code, ' readmitted \'')"), MORE),
    ),
    "the outcome between comments": (
        lambda: outcome(uci(attribute="/* ' */ readmitted /* ' */"), MORE), "take readmitted out of",
        lambda: outcome(uci(attribute="payer_code -- readmitted"), MORE),
    ),
    "the outcome under a name of two words": (
        lambda: outcome(replace(uci_column(HYPHEN, code="`re-admitted`"), encounters=replace(ENCOUNTERS, outcomes=(("back", "`re-admitted`"),)))),
        "take re-admitted out of events.encounter.code",
        lambda: outcome(replace(uci_column(HYPHEN, code="diag_1"), encounters=replace(ENCOUNTERS, outcomes=(("back", "`re-admitted`"),)))),
    ),
    "the outcome under another name of its contract": (
        lambda: outcome(uci_column(COPY, code="copy")), "take readmitted out of events.encounter.code",
        lambda: outcome(uci_column(NAMED, code="copy")),
    ),
    "the outcome in a second table of its file": (
        lambda: outcome(twice(READMITTED)), "events.again.code", lambda: outcome(twice(DIAGNOSED)),
    ),
    "the outcome of an encounter beside the row": (
        lambda: outcome(of_premier("if(DISC_STATUS = 20, '1', '2')")), "take disc_status out of events.patbill.code",
        lambda: outcome(of_premier("if(patbill.DISC_STATUS = 20, '1', patdemo.ADM_TYPE)")),
    ),
    "a join that asks for the outcome": (
        lambda: outcome(joined("other.encounter_id = encounter.encounter_id AND other.readmitted = '<30'", code="other.diag_1")),
        "events.encounter.joins.other.on",
        lambda: outcome(joined("other.encounter_id = encounter.encounter_id AND other.diag_1 <> '?'", code="other.diag_1")),
    ),
    "a person's sex that is the outcome": (
        lambda: outcome(of_persons(sex="if(readmitted = '<30', 'F', 'M')"), Demographics()), "persons.sex",
        lambda: outcome(of_persons(sex="if(gender = 'Female', 'F', 'M')"), Demographics()),
    ),
    "an encounter's name that is the outcome, which then were no outcome": (
        lambda: outcome(of_encounters(visit_occurrence_id="if(readmitted = '<30', encounter_id, -encounter_id)")),
        "encounters.visit_occurrence_id", lambda: outcome(of_encounters(visit_occurrence_id="-encounter_id")),
    ),
    "a period that is observed only of the outcome": (
        lambda: outcome(of_periods("date_add(DATE'2000-01-01', if(status = 1, 0, cast(futime AS int)))"), OBSERVED),
        "observation.end", lambda: outcome(of_periods("date_add(DATE'2000-01-01', cast(futime AS int))"), OBSERVED),
    ),
}  # fmt: skip


@pytest.mark.clause("F1")
@pytest.mark.parametrize("leak", REFUSED)
def test_a_leak_that_a_declaration_can_say_is_refused_and_its_twin_is_not(leak):
    leaking, words, twin = REFUSED[leak]
    with pytest.raises(DeclarationError) as refused:
        leaking()
    assert words in str(refused.value)
    twin()


def sql_fields(kind: type, *apart: str) -> list[str]:
    """The fields of a part of a source that take SQL: all that are text, but for names."""
    names_of = {"table", "name", "expected", *apart}
    return [one.name for one in fields(kind) if one.name not in names_of and "str" in str(one.type) and "tuple" not in str(one.type)]  # fmt: skip


@pytest.mark.clause("F1")
@pytest.mark.parametrize("field", sql_fields(Events))
def test_no_field_of_an_event_is_of_other_rows_or_of_the_outcome(field):
    with pytest.raises(DeclarationError, match=rf"events\.encounter\.{field} = .*a window function"):
        refuse_other_rows(uci(**{field: "max(diag_1) OVER (PARTITION BY patient_nbr)"}))
    with pytest.raises(DeclarationError, match=rf"take readmitted out of events\.encounter\.{field} = "):
        outcome(uci(**{field: f"nullif({getattr(KIND, field) or 'null'}, readmitted)"}))
    said = uci(**{field: f"nullif({getattr(KIND, field) or 'null'}, weight)"})
    refuse_other_rows(said)
    outcome(said)


@pytest.mark.clause("F1")
@pytest.mark.parametrize(
    ("part", "field"),
    [(name, field) for name, kind in (("persons", Persons), ("encounters", Encounters), ("observation", Observation))
     for field in sql_fields(kind)],
)  # fmt: skip
def test_no_field_of_a_person_an_encounter_or_a_period_is_of_refuse_other_rows(part, field):
    source = replace(omop, encounters=replace(omop.encounters, known_from="visit_start_date"))
    with pytest.raises(DeclarationError, match=rf"{part}\.{field} = .*a subquery"):
        refuse_other_rows(
            replace(source, **{part: replace(getattr(source, part), **{field: "(SELECT max(x) FROM t)"})})
        )
    refuse_other_rows(source)


def test_an_outcome_may_be_of_later_rows_and_dates_tell_no_outcome():
    later = "lead(visit_start_datetime) OVER (PARTITION BY person_id ORDER BY visit_start_datetime)"
    back = replace(omop.encounters, outcomes=(("back", f"datediff({later}, visit_end_datetime) <= 30"),))
    source = replace(omop, encounters=back)
    refuse_other_rows(source)
    outcome(source, AtIndex("length_of_stay", because="known at discharge"), Demographics())


def test_a_table_without_a_key_is_joined_by_nothing():
    one, *others = premier.contracts
    assert one.table == "patdemo"
    with pytest.raises(DeclarationError, match=r"joins\.patdemo\.on = .*a table with a fatal key, unlike patdemo"):
        refuse_other_rows(replace(premier, contracts=(replace(one, key_severity="convention"), *others)))


def test_an_attribute_of_all_columns_is_not_known_at_an_admission():
    model = replace(readmission_uci130, cohort=InpatientStays(index="admission"), features=[MORE])
    with pytest.raises(DeclarationError, match="known at admission"):
        refuse_end(model, uci(attribute="to_json(struct(*))"), "x.py")
    refuse_end(model, uci(attribute="2 * number_inpatient"), "x.py")


def test_no_source_of_ours_looks_at_other_rows_and_no_model_at_its_outcome():
    for name in names():
        refuse_other_rows(named(name))
    refuse_outcome(readmission_uci130, uci130, "x.py")
    assert isinstance(readmission_uci130.outcome, Recorded)
