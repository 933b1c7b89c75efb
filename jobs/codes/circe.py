"""Cohort definitions of OHDSI's tools (CIRCE JSON) as cohorts of ours, or everything in them that is not supported.

A definition is taken whole or refused whole: one step left out would be another cohort under the same name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from jobs.codes.circe_sets import set_of
from jobs.codes.ohdsi import Vocabularies, vocabularies
from jobs.codes.reading import Reading, Unknown, asked, document
from jobs.errors import TaskError
from workflows.codes import Codes
from workflows.cohorts import Cohort, EventsOf
from workflows.steps import Eras, Exit, FirstOfPerson, InObservation, MinimumTimeAtRisk, SexIs, Step, Washout
from workflows.time import LONGEST

DOMAINS = {
    "ConditionOccurrence": "condition_occurrence", "DrugExposure": "drug_exposure", "Measurement": "measurement",
    "ProcedureOccurrence": "procedure_occurrence", "Observation": "observation", "DeviceExposure": "device_exposure",
}  # fmt: skip
GENDERS = {8507: "M", 8532: "F"}
LIMITS = ("All", "First")
TOP = (
    "ConceptSets", "PrimaryCriteria", "AdditionalCriteria", "QualifiedLimit", "ExpressionLimit", "InclusionRules",
    "EndStrategy", "CensoringCriteria", "CollapseSettings", "CensorWindow", "cdmVersionRange", "Title",
)  # fmt: skip


def criterion(reading: Reading, path: str, given: Any, known: Vocabularies | None) -> tuple[str, Codes] | None:
    """(curated table, concept set) of one criterion: a domain with nothing but a concept set."""
    if not isinstance(given, Mapping) or len(given) != 1 or next(iter(given)) not in DOMAINS:
        reading.refuse(path, given, f"one of {', '.join(DOMAINS)}")
        return None
    ((domain, said),) = given.items()
    here = f"{path}.{domain}"
    before = len(reading.unknown)
    fields = reading.only(here, said, ("CodesetId",))
    if fields.get("CodesetId") is None:
        if len(reading.unknown) == before:
            reading.refuse(f"{here}.CodesetId", None, "the id of a concept set")
        return None
    codes = set_of(reading, f"{here}.CodesetId", fields["CodesetId"], known)
    return None if codes is None else (DOMAINS[domain], codes)


def entry(reading: Reading, known: Vocabularies | None) -> EventsOf | None:
    """The primary criteria: events of one table, of one or more concept sets."""
    path = "$.PrimaryCriteria"
    said = reading.only(
        path, reading.definition.get("PrimaryCriteria"), ("CriteriaList", "ObservationWindow", "PrimaryCriteriaLimit")
    )
    listed = reading.array(f"{path}.CriteriaList", said.get("CriteriaList"))
    if not listed:
        reading.refuse(f"{path}.CriteriaList", listed, "at least one criterion")
    read = [criterion(reading, f"{path}.CriteriaList[{place}]", one, known) for place, one in enumerate(listed)]
    found = [one for one in read if one is not None]
    if len({table for table, _ in found}) > 1:
        reading.refuse(f"{path}.CriteriaList", sorted({table for table, _ in found}), "criteria of one domain")
    if len(found) < len(listed) or not found:
        return None
    names = list(dict.fromkeys(codes.name for _, codes in found))
    pairs = tuple(sorted({pair for _, codes in found for pair in codes.codes}))
    return EventsOf(concepts=Codes("_or_".join(names), pairs), table=found[0][0])


def observation(reading: Reading) -> Iterator[Step]:
    """The observation window and the limit of the primary criteria."""
    path = "$.PrimaryCriteria"
    said = reading.definition.get("PrimaryCriteria")
    said = said if isinstance(said, Mapping) else {}
    window = reading.only(
        f"{path}.ObservationWindow", said.get("ObservationWindow"), ("PriorDays", "PostDays"), optional=True
    )
    prior = reading.number(f"{path}.ObservationWindow.PriorDays", window.get("PriorDays"), LONGEST)
    yield Washout(days=prior) if prior else InObservation()
    if post := reading.number(f"{path}.ObservationWindow.PostDays", window.get("PostDays"), LONGEST):
        yield MinimumTimeAtRisk(days=post)
    if limit(reading, f"{path}.PrimaryCriteriaLimit", said.get("PrimaryCriteriaLimit")) == "First":
        yield FirstOfPerson()


def limit(reading: Reading, path: str, given: Any) -> str:
    """All or First; First where none is written, as in OHDSI's own reader (`ResultLimit.type` of circe-be)."""
    said = reading.only(path, given, ("Type",), optional=True)
    if "Type" in said and said["Type"] is None:
        reading.refuse(f"{path}.Type", None, ", ".join(LIMITS))
    return str(reading.one_of(f"{path}.Type", said.get("Type"), LIMITS, "First"))


def rule(reading: Reading, path: str, given: Any) -> Iterator[Step]:
    """An inclusion rule: a sex, or days of observation before the index date."""
    said = reading.only(path, given, ("name", "description", "expression"))
    here = f"{path}.expression"
    fields = ("Type", "CriteriaList", "DemographicCriteriaList", "Groups")
    group = reading.only(here, said.get("expression"), fields)
    reading.one_of(f"{here}.Type", group.get("Type"), ("ALL",), "ALL")
    if groups := reading.array(f"{here}.Groups", group.get("Groups")):
        reading.refuse(f"{here}.Groups", groups, "none")
    listed = reading.array(f"{here}.DemographicCriteriaList", group.get("DemographicCriteriaList"))
    for place, one in enumerate(listed):
        yield from sex(reading, f"{here}.DemographicCriteriaList[{place}]", one)
    for place, one in enumerate(reading.array(f"{here}.CriteriaList", group.get("CriteriaList"))):
        at = f"{here}.CriteriaList[{place}]"
        if days := observed_before(one):
            if days == reading.number(f"{at}.StartWindow.End.Days", days, LONGEST):
                yield Washout(days=days)
        else:
            told = "days of observation before the index date (an ObservationPeriod that starts by then and ends after)"
            reading.refuse(at, one, told)


def sex(reading: Reading, path: str, given: Any) -> Iterator[Step]:
    """A demographic criterion: one sex."""
    here = f"{path}.Gender"
    before = len(reading.unknown)
    genders = reading.array(here, reading.only(path, given, ("Gender",)).get("Gender"))
    concepts = [
        reading.integer(f"{here}[{place}].CONCEPT_ID", reading.object(f"{here}[{place}]", one).get("CONCEPT_ID"))
        for place, one in enumerate(genders)
    ]
    if len(concepts) == 1 and concepts[0] in GENDERS:
        yield SexIs(sex=GENDERS[concepts[0]])
    elif len(reading.unknown) == before:
        reading.refuse(here, concepts, "one of " + ", ".join(f"{n} ({s})" for n, s in GENDERS.items()))


def observed_before(given: Any) -> int | None:
    """The days, if a criterion says that an observation period begins so many days before and holds day 0."""
    if not isinstance(given, Mapping) or type(days := _days(given)) is not int or days < 1:
        return None
    pattern = {
        "Criteria": {"ObservationPeriod": {}},
        "StartWindow": {"Start": {"Coeff": -1}, "End": {"Days": days, "Coeff": -1}, "UseEventEnd": False},
        "EndWindow": {"Start": {"Days": 0, "Coeff": 1}, "End": {"Coeff": 1}, "UseEventEnd": True},
        "Occurrence": {"Type": 2, "Count": 1},
    }
    # As text, where 1 is neither true nor 1.0.
    return days if json.dumps(given, sort_keys=True) == json.dumps(pattern, sort_keys=True) else None


def _days(given: Mapping[str, Any]) -> Any:
    start = given.get("StartWindow")
    end = start.get("End") if isinstance(start, Mapping) else None
    return end.get("Days") if isinstance(end, Mapping) else None


def nothing(reading: Reading) -> None:
    """Refuse the parts that are supported only where they ask for nothing."""
    for name, kind in (("AdditionalCriteria", Mapping), ("CensoringCriteria", list), ("CensorWindow", Mapping)):
        given = reading.definition.get(name)
        if given is not None and not isinstance(given, kind):
            reading.refuse(f"$.{name}", given, "a list" if kind is list else "an object")
        elif asked(given):
            reading.refuse(f"$.{name}", given, "none")


def ends(reading: Reading) -> Iterator[Step]:
    """The end strategy, and how rows that touch become one."""
    path = "$.EndStrategy"
    strategy = reading.only(path, reading.definition.get("EndStrategy"), ("DateOffset",), optional=True)
    offset = reading.only(f"{path}.DateOffset", strategy.get("DateOffset"), ("DateField", "Offset"), optional=True)
    if offset:
        # Of an event without an end those tools count from the day after its start, and ours from its start.
        reading.one_of(f"{path}.DateOffset.DateField", offset.get("DateField"), ("StartDate",), "StartDate")
        yield Exit(days=reading.number(f"{path}.DateOffset.Offset", offset.get("Offset"), LONGEST))
    else:
        yield Exit()
    collapse = reading.only(
        "$.CollapseSettings", reading.definition.get("CollapseSettings"), ("CollapseType", "EraPad"), optional=True
    )
    reading.one_of("$.CollapseSettings.CollapseType", collapse.get("CollapseType"), ("ERA",), "ERA")
    yield Eras(gap=reading.number("$.CollapseSettings.EraPad", collapse.get("EraPad"), 1_000_000))


@dataclass(frozen=True)
class Import:
    """What a definition became: a cohort, or everything in it that is unknown; and what a reader should know."""

    cohort: Cohort | None
    unknown: tuple[Unknown, ...] = ()
    notes: tuple[str, ...] = ()


def read(definition: Any, known: Vocabularies | None = None) -> Import:
    """A cohort definition of OHDSI's tools."""
    if not isinstance(definition, Mapping):
        return Import(None, (Unknown("$", definition, "an object: a cohort definition of OHDSI"),))
    reading = Reading(definition)
    reading.only("$", definition, TOP)
    begins = entry(reading, known)
    steps = list(observation(reading))
    nothing(reading)
    qualified = limit(reading, "$.QualifiedLimit", definition.get("QualifiedLimit"))
    # Those tools apply this limit where additional criteria are there at all, even ones that ask for nothing.
    if definition.get("AdditionalCriteria") is not None and qualified == "First" and steps[-1] != FirstOfPerson():
        steps.append(FirstOfPerson())
    for place, one in enumerate(reading.array("$.InclusionRules", definition.get("InclusionRules"))):
        steps += rule(reading, f"$.InclusionRules[{place}]", one)
    if (
        limit(reading, "$.ExpressionLimit", definition.get("ExpressionLimit")) == "First"
        and steps[-1] != FirstOfPerson()
    ):
        steps.append(FirstOfPerson())
    steps += ends(reading)
    if reading.unknown or begins is None:
        # A concept set that two criteria name is refused once.
        return Import(None, tuple({str(one): one for one in reading.unknown}.values()))
    return Import(Cohort(entry=begins, steps=steps), notes=tuple(dict.fromkeys(reading.notes)))


def imported(file: Path, reference: Path | None = None) -> Import:
    """The cohort of a file; raises TaskError that names everything the import does not know."""
    found = read(document(file), None if reference is None else vocabularies(reference))
    if found.cohort is None:
        told = "\n".join(f"  {one}" for one in found.unknown)
        raise TaskError(f"{file.name} is not imported, as a part of it would be another cohort:\n{told}")
    return found


def declared(value: Any) -> str:
    """Python that evaluates to a part of a declaration, without the fields that have their default."""
    if not is_dataclass(value):
        return repr(value)
    given = ((one.name, getattr(value, one.name), one.default) for one in fields(value))
    return (
        f"{type(value).__name__}({', '.join(f'{name}={declared(one)}' for name, one, usual in given if one != usual)})"
    )


def source_of(cohort: Cohort) -> str:
    """Python that evaluates to the cohort where the vocabulary of `workflows.declare` is imported."""
    steps = "".join(f"        {declared(one)},\n" for one in cohort.steps)
    return f"Cohort(\n    entry={declared(cohort.entry)},\n    steps=[\n{steps}    ],\n)\n"
