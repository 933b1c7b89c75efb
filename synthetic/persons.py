"""The course of one invented person: stays, outpatient visits and recorded conditions, from a stream of their own."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from synthetic.conditions import ACUTE, CONDITIONS

DAYS = 1096  # 2021-01-01 to 2024-01-01
YEAR = 365.25
READMISSION_BASE = -3.35
PER_PRIOR_STAY = 0.20
PER_DAY_OF_STAY = 0.05
PER_DECADE = 0.15


@dataclass
class Visit:
    """One visit, in days since the first day of the data, fractions being hours.

    codes: (ICD-10-CM code, day it was recorded). left: where the person went; empty for outpatient visits.
    """

    start: float
    end: float
    inpatient: bool
    left: str
    codes: list[tuple[str, float]]


@dataclass
class Person:
    """An invented person and their visits in order of time."""

    number: int
    female: bool
    birth_day: int  # before the first day of the data
    chronic: tuple[int, ...]  # positions in CONDITIONS
    visits: list[Visit] = field(default_factory=list)
    last_day: float = float(DAYS)


def stream(seed: int, person: int, purpose: int = 0) -> np.random.Generator:
    """Random numbers of one person for one purpose: no other person's course moves them."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(person, purpose)))


def chance(log_odds: float) -> float:
    """Log odds as a probability."""
    return float(1 / (1 + np.exp(-log_odds)))


def person(seed: int, number: int) -> Person:
    """Person `number` of the population that `seed` names, with their whole course."""
    rng = stream(seed, number)
    age = float(np.clip(rng.normal(62, 16), 18, 97))
    who = Person(
        number=number,
        female=bool(rng.random() < 0.53),
        birth_day=int(age * YEAR),
        chronic=tuple(
            position
            for position, one in enumerate(CONDITIONS)
            if rng.random() < chance(one.prevalence + one.ageing * (age - 60) / 10)
        ),
    )
    live(who, rng)
    return who


def live(who: Person, rng: np.random.Generator) -> None:
    """Fill in the person's visits until death, hospice or the end of the data."""
    age = who.birth_day / YEAR
    yearly = 0.41 * np.exp(0.012 * (age - 60) + sum(CONDITIONS[position].admission for position in who.chronic))
    contacts(who, rng)
    moment = float(rng.exponential(YEAR / yearly))
    while moment < DAYS:
        visit = stay(who, moment, rng)
        if visit.end >= DAYS:
            break
        who.visits.append(visit)
        if visit.left in ("expired", "hospice"):
            who.last_day = visit.end
            break
        moment = following(who, visit, yearly, rng)
    who.visits = sorted((v for v in who.visits if v.end <= who.last_day), key=lambda v: (v.end, v.start))


def contacts(who: Person, rng: np.random.Generator) -> None:
    """Outpatient visits, about one in half a year; the chronic conditions are recorded there."""
    moment = float(rng.uniform(0, 180))
    while moment < DAYS - 1:
        start = np.floor(moment) + rng.uniform(8, 17) / 24
        codes = [(code(position, rng), start) for position in who.chronic if rng.random() < 0.75]
        who.visits.append(Visit(start, start + 1 / 48, False, "", codes))
        moment += float(rng.uniform(120, 270))


def stay(who: Person, start: float, rng: np.random.Generator) -> Visit:
    """An inpatient stay that begins at `start`."""
    length = min(1 + rng.gamma(1.6, 2.2) * (1 + 0.12 * len(who.chronic)), 45.0)
    codes = [(str(rng.choice(ACUTE)), start)]
    codes += [(code(position, rng), start) for position in who.chronic if rng.random() < 0.9]
    age = who.birth_day / YEAR
    dies = chance(-4.3 + 0.03 * (age - 60) + 0.15 * len(who.chronic))
    u = rng.random()
    left = "expired" if u < dies else "hospice" if u < 1.4 * dies else "nursing facility" if u > 0.86 else "home"
    return Visit(start, start + length, True, left, codes)


def code(position: int, rng: np.random.Generator) -> str:
    """One of the condition's codes."""
    return str(rng.choice(CONDITIONS[position].codes))


def readmission_log_odds(who: Person, visit: Visit) -> float:
    """Log odds of a stay within 30 days of this discharge, from what the record shows by then."""
    prior = sum(v.inpatient and visit.end - 365 <= v.start < visit.start for v in who.visits)
    age = (who.birth_day + visit.end) / YEAR
    return (
        READMISSION_BASE
        + sum(CONDITIONS[position].readmission for position in who.chronic)
        + PER_PRIOR_STAY * min(prior, 4)
        + PER_DAY_OF_STAY * min(visit.end - visit.start, 14)
        + PER_DECADE * (age - 60) / 10
    )


def days_to_return(rng: np.random.Generator) -> float:
    """Days from a discharge to a readmission: on day 1 to 30, sooner rather than later."""
    return 1 + 28.5 * float(rng.beta(1, 1.6))


def following(who: Person, visit: Visit, yearly: float, rng: np.random.Generator) -> float:
    """When the next stay begins: within 30 days by the readmission odds, otherwise after them by the usual rate."""
    if rng.random() < chance(readmission_log_odds(who, visit)):
        return np.floor(visit.end) + days_to_return(rng)
    return np.floor(visit.end) + 32 + float(rng.exponential(YEAR / yearly))
