"""Named, seeded changes of a population; each leaves the first 90 % of the encounters as they are.

A change only adds stays after the last stay of a person, so no feature of an existing stay moves at its index date.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from synthetic.persons import DAYS, Person, Visit, chance, days_to_return, readmission_log_odds, stay, stream

UNCHANGED_SHARE = 0.9
SURGE_LOG_ODDS = 1.4
PURPOSE = 1

Change = Callable[[list[Person], int], list[Person]]


def turning_point(people: list[Person]) -> float:
    """The end of the visit at 90 % of the encounter order."""
    ends = sorted(visit.end for person in people for visit in person.visits)
    return ends[int(UNCHANGED_SHARE * len(ends))] if ends else float(DAYS)


def none(people: list[Person], seed: int) -> list[Person]:  # noqa: ARG001  # every change takes a seed
    """Nothing changes."""
    return people


def readmission_surge(people: list[Person], seed: int) -> list[Person]:
    """The odds of coming back within 30 days rise fourfold after every discharge in the last 10 % of the order."""
    turn = turning_point(people)
    return [surged(person, turn, stream(seed, person.number, PURPOSE)) for person in people]


def surged(person: Person, turn: float, rng: np.random.Generator) -> Person:
    """The person with the stays that the surge adds after their last one."""
    changed = replace(person, visits=list(person.visits))
    while (last := returning(changed, turn)) is not None:
        base = readmission_log_odds(changed, last)
        # They did not come back at the usual odds; the surge gives those who stayed away a second chance to.
        usual, raised = chance(base), chance(base + SURGE_LOG_ODDS)
        if rng.random() >= (raised - usual) / (1 - usual):
            break
        added = stay(changed, float(np.floor(last.end)) + days_to_return(rng), rng)
        if added.end >= DAYS:
            break
        changed.visits.append(added)
        if added.left in ("expired", "hospice"):
            changed.last_day = added.end
    return changed


def returning(person: Person, turn: float) -> Visit | None:
    """The stay after which a return can be added: the person's last one, at risk, discharged after the turn."""
    stays = [visit for visit in person.visits if visit.inpatient]
    if not stays or person.last_day < DAYS:
        return None
    last = stays[-1]
    return last if last.end > turn else None


CHANGES: dict[str, Change] = {"none": none, "readmission_surge": readmission_surge}
