"""The Olmsted County NAFLD cohort: laboratory values and outcomes in days from each subject's own index date.

The index date is put on the calendar at one assumed day for all, so that windows in days work; differences mean
something, dates do not.
"""

from workflows.contracts.nafld import TABLES
from workflows.source import Delivery, Encounters, Events, Observation, Persons, Source

INDEX = "DATE'2000-01-01'"

nafld = Source(
    name="nafld",
    title="NAFLD in Olmsted County, days from an index date",
    time="relative",
    deliveries=tuple(Delivery(table=one.table, files=(f"{one.table}.parquet", f"{one.table}.csv")) for one in TABLES),
    contracts=TABLES,
    persons=Persons(
        table="nafld1",
        person_id="id",
        sex="CASE male WHEN 1 THEN 'M' WHEN 0 THEN 'F' END",
        # No birth date is known; this one gives the recorded age on the index date.
        birth_date=f"add_months({INDEX}, cast(-12 * age AS int))",
        birth_date_assumed="true",
    ),
    encounters=Encounters(
        table="nafld1",
        person_id="id",
        visit_occurrence_id="id",
        order="id",
        start=INDEX,
        end=INDEX,
        inpatient="false",
        not_at_risk="false",
        attributes=(
            ("age", "age"),
            ("weight", "weight"),
            ("height", "height"),
            ("bmi", "bmi"),
        ),
        outcomes=(("death", "cast(status AS string)"),),
    ),
    events=(
        Events(
            table="nafld2", person_id="id", visit_occurrence_id="null", vocabulary="'NAFLD test'", code="test",
            start=f"date_add({INDEX}, cast(days AS int))", value_as_number="value",
        ),
        Events(
            table="nafld3", person_id="id", visit_occurrence_id="null", vocabulary="'NAFLD outcome'", code="event",
            start=f"date_add({INDEX}, cast(days AS int))",
        ),
    ),
    collections=(),
    named_events=(),
    # Follow-up begins at the index date; how long a subject was known before it, the source does not say.
    observation=Observation(
        table="nafld1", person_id="id", start=INDEX, end=f"date_add({INDEX}, cast(futime AS int))",
    ),
)  # fmt: skip
