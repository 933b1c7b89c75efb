"""The invented epidemiology: chronic conditions, their codes, and what they do to the risk of coming back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Condition:
    """A chronic condition.

    codes: ICD-10-CM codes it is recorded with. prevalence: log odds at age 60. ageing: log odds a decade.
    admission, readmission: log hazard and log odds it adds.
    """

    name: str
    codes: tuple[str, ...]
    prevalence: float
    ageing: float
    admission: float
    readmission: float


CONDITIONS = (
    Condition("heart failure", ("I50.9", "I50.22", "I50.32"), -1.9, 0.55, 0.45, 0.70),
    Condition("coronary disease", ("I25.10", "I20.9"), -1.4, 0.50, 0.25, 0.25),
    Condition("chronic lung disease", ("J44.9", "J44.1", "J45.909"), -1.5, 0.25, 0.35, 0.50),
    Condition("diabetes", ("E11.9", "E11.65", "E10.9"), -1.2, 0.25, 0.20, 0.20),
    Condition("chronic kidney disease", ("N18.3", "N18.4", "N18.6"), -1.8, 0.45, 0.35, 0.55),
    Condition("cancer", ("C34.90", "C50.919", "C18.9"), -2.4, 0.40, 0.35, 0.50),
    Condition("depression", ("F32.9", "F33.1"), -1.7, -0.05, 0.20, 0.30),
    Condition("liver disease", ("K74.60", "K70.30"), -2.8, 0.05, 0.35, 0.60),
)
# Recorded beside them, belonging to no concept set: acute reasons of a stay.
ACUTE = ("J18.9", "N39.0", "A41.9", "S72.001A", "K57.92", "I63.9", "R07.9", "L03.90")
