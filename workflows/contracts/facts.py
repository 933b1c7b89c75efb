"""What holds of the fact tables themselves, whatever source they are made of."""

from dataclasses import replace

from workflows.contract import Column, Contract
from workflows.contracts.notes import NOTES
from workflows.rules import Rule, filled, not_before
from workflows.source import Source

PERSON = Column(name="person_id", type="long", nullable=False, classification="identifier", meaning="person")
VISIT = Column(name="visit_occurrence_id", type="long", classification="identifier", meaning="encounter, where known")
PERSON_KNOWN = (
    Column(name="sex", type="string", meaning="sex of the person"),
    Column(name="birth_date", type="date", meaning="day of birth, or the first day it can be"),
    Column(
        name="birth_date_assumed",
        type="boolean",
        optional=True,
        meaning="its month or day is assumed, or it follows from an age; empty where there is no day",
    ),
    Column(name="age_band", type="string", meaning="age band, where the source has no day of birth"),
)
# The share of rows whose day of birth is assumed, as a figure of the report.
BORN = Rule(
    id="birth_date_recorded", condition="NOT birth_date_assumed", severity="characterization",
    meaning="the day of birth is recorded, not assumed",
)  # fmt: skip
PROVIDER = Column(name="provider_id", type="long", classification="identifier", meaning="who gave the care")
KNOWN_FROM = Column(name="known_from", type="timestamp", optional=True, meaning="since when the row is known")

PERSON_XREF = Contract(
    table="person_xref", meaning="one row a person: the id in the facts, and the source's own", key=("person_id",),
    columns=(
        Column(
            name="person_id", type="long", nullable=False, classification="identifier",
            meaning="person; the first 64 bits of SHA-256 of the source's trimmed id, without the sign",
        ),
        Column(
            name="person_source_value", type="string", nullable=False, classification="identifier",
            meaning="the person as the source names them",
        ),
    ),
)  # fmt: skip

FACT_PERSON = Contract(
    table="fact_person", meaning="one row an event of a person: a code, and a value where it has one", key=(),
    time_key="event_start_datetime", empty=True, rules=(filled("vocabulary_id"), filled("concept_code")),
    columns=(
        PERSON, VISIT,
        Column(name="event_start_datetime", type="timestamp", meaning="when it began; empty where time is an order"),
        Column(name="event_end_datetime", type="timestamp", meaning="when it ended, where the source says so"),
        Column(name="vocabulary_id", type="string", meaning="vocabulary, as OMOP names it"),
        Column(name="concept_code", type="string", meaning="code as recorded, trimmed"),
        Column(name="value_as_number", type="double", meaning="a measured number"),
        Column(name="value_as_string", type="string", meaning="a result in words"),
        Column(name="unit_source_value", type="string", meaning="unit of the value, as delivered"),
        Column(name="source_table", type="string", nullable=False, meaning="curated table it was made of"),
        Column(name="fact_id", type="long", optional=True, meaning="hash of source table and primary key"),
        Column(name="source_version", type="long", optional=True, meaning="version of the curated table"),
        KNOWN_FROM,
        Column(name="known_to", type="timestamp", optional=True, meaning="until when the row is known; empty = still"),
    ),
)  # fmt: skip

FACT_OBSERVATION_PERIOD = Contract(
    table="fact_observation_period", meaning="one row a span of days in which a person's care is recorded", key=(),
    time_key="observation_period_start_date", empty=True,
    columns=(
        PERSON,
        Column(name="observation_period_start_date", type="date", nullable=False, meaning="first day"),
        Column(name="observation_period_end_date", type="date", nullable=False, meaning="last day, inclusive"),
        *PERSON_KNOWN,
    ),
    rules=(
        replace(not_before("observation_period_end_date", "observation_period_start_date"), severity="convention"),
        BORN,
    ),
)  # fmt: skip

FACT_PROVIDER = Contract(
    table="fact_provider", meaning="one row a provider", key=("provider_id",), empty=True,
    columns=(
        replace(PROVIDER, nullable=False, meaning="provider, as encounters name them"),
        Column(
            name="provider_source_value", type="string", classification="identifier",
            meaning="the provider as the source names them",
        ),
        Column(name="specialty_source_value", type="string", meaning="specialty, as delivered"),
    ),
)  # fmt: skip


def fact_encounter_index(attributes: tuple[str, ...] = (), outcomes: tuple[str, ...] = ()) -> Contract:
    """The encounters of a source with these attributes and outcomes, whose types are those of its expressions."""
    more = (*(f"attr_{name}" for name in attributes), *(f"outcome_{name}" for name in outcomes))
    return Contract(
        table="fact_encounter_index", meaning="one row an encounter, in the order of the source",
        key=("visit_occurrence_id",), time_key="visit_start_datetime", empty=True, unused=more, rules=(BORN,),
        columns=(
            PERSON,
            replace(VISIT, nullable=False, meaning="encounter"),
            Column(
                name="encounter_order", type="long", nullable=False, meaning="1 to n over the whole source, by time"
            ),
            Column(name="visit_start_datetime", type="timestamp", meaning="admission; empty where time is an order"),
            Column(name="visit_end_datetime", type="timestamp", meaning="discharge; empty where time is an order"),
            Column(name="length_of_stay", type="long", unit="days", meaning="from admission to discharge"),
            Column(name="is_inpatient_visit", type="boolean", nullable=False, meaning="a stay in hospital"),
            Column(
                name="is_at_risk", type="boolean", nullable=False, meaning="can come back: no death, no hospice"
            ),
            *PERSON_KNOWN,
            PROVIDER,
            KNOWN_FROM,
            Column(name="outcome_known", type="boolean", nullable=False, meaning="its outcomes are known by now"),
        ),
    )  # fmt: skip


def fact_contracts(source: Source) -> dict[str, Contract]:
    """The contract of every fact table that a source becomes."""
    known = {
        one.table: one
        for one in (
            FACT_PERSON,
            FACT_OBSERVATION_PERIOD,
            FACT_PROVIDER,
            PERSON_XREF,
            fact_encounter_index(source.attributes, source.outcomes),
        )
    }
    return {table: known[table] for table in source.made_from}


def tables_of(source: Source) -> frozenset[str]:
    """Every table that a source is delivered as or becomes, `schema.table`; those of models are not among them."""
    curated = {f"{source.name}.{one.table}" for one in source.contracts}
    made = (*fact_contracts(source), *(NOTES if source.notes else ()))
    return frozenset(curated | {f"{source.name}_ra.{table}" for table in made})
