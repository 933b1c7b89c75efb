"""The Olmsted County NAFLD cohort, as `survival::nafld` documents it; days count from each subject's index date."""

from workflows.contract import Column, Contract
from workflows.rules import CONVENTION, Beside, Rule, filled, in_range, refers

# From the birth of who is oldest at the index date, 120 years, to the end of the longest follow-up.
DAYS = in_range("days", -44_000, 40_000)
# One year more than are completed has at most so many days, and all of them have not passed since birth.
AFTER_BIRTH = Rule(
    id="days_after_birth", severity=CONVENTION, condition="days > -ceil(365.25 * (_nafld1.age + 1))",
    meaning="days not before the first day of birth that the age at the index date leaves",
    beside=Beside(table="nafld1", on=(("id", "id"),), gathers=(("age", "max(age)"),)),
)  # fmt: skip
SUBJECT = Contract(
    table="nafld1", meaning="one row a subject: a person with NAFLD, or a comparison matched on age and sex",
    key=("id",),
    columns=(
        Column(name="id", type="long", nullable=False, classification="identifier", meaning="subject"),
        Column(name="age", type="long", unit="years", nullable=False, meaning="completed years at the index date"),
        Column(name="male", type="long", nullable=False, allowed=("0", "1"), meaning="0 female, 1 male"),
        Column(name="weight", type="double", unit="kg", meaning="weight"),
        Column(name="height", type="double", unit="cm", meaning="height"),
        Column(name="bmi", type="double", unit="kg/m2", meaning="body mass index"),
        Column(
            name="futime", type="long", unit="days", nullable=False,
            meaning="from the index date to death or last contact",
        ),
        Column(name="status", type="long", nullable=False, allowed=("0", "1"), meaning="1 dead, 0 alive at futime"),
    ),
    rules=(in_range("age", 0, 120), in_range("futime", 0, 40_000), filled("weight"), filled("height"), filled("bmi")),
    unused=("case.id",),
)  # fmt: skip

LABORATORY = Contract(
    table="nafld2", meaning="one row a laboratory value", key=("id", "days", "test"), once=True,
    columns=(
        Column(name="id", type="long", nullable=False, classification="identifier", meaning="subject"),
        Column(name="days", type="long", nullable=False, meaning="days from the index date"),
        Column(
            name="test", type="string", nullable=False, allowed=("chol", "dbp", "fib4", "hdl", "sbp", "smoke"),
            meaning="what was measured",
        ),
        Column(name="value", type="double", nullable=False, meaning="value"),
    ),
    rules=(refers("id", "nafld1"), DAYS, AFTER_BIRTH),
)  # fmt: skip

OUTCOME = Contract(
    table="nafld3", meaning="one row an outcome", key=(), once=True,
    columns=(
        Column(name="id", type="long", nullable=False, classification="identifier", meaning="subject"),
        Column(name="days", type="long", meaning="days from the index date; empty where it is not known"),
        Column(name="event", type="string", nullable=False, meaning="what happened"),
    ),
    rules=(refers("id", "nafld1"), DAYS, AFTER_BIRTH, filled("days")),
)  # fmt: skip
TABLES = (SUBJECT, LABORATORY, OUTCOME)
