"""The side of a person: train or test, a function of the person and the model's salt alone, for the model's life."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from jobs.disclosure import AGAIN, few, moved, shown, with_others
from jobs.errors import TaskError

TRAIN, TEST = "train", "test"
DIGITS = 8  # hexadecimal digits of the hash that are compared with the share: 1 in 4 billion is fine enough


def salt_of(model: str) -> str:
    """The salt a new model starts with, 16 hexadecimal digits of its name's hash.

    The same in every stage: a person who is on the test side of dev is never on the train side of prod.
    """
    return hashlib.sha256(f"side of {model}".encode()).hexdigest()[:16]


def place(person: object, salt: str) -> float:
    """The person's place in [0, 1): the first 8 hexadecimal digits of SHA-256 of `salt:person`, over 16**8."""
    digest = hashlib.sha256(f"{salt}:{person}".encode()).hexdigest()
    return int(digest[:DIGITS], 16) / 16**DIGITS


def side_of(person: object, salt: str, test_share: float) -> str:
    """'test' for persons placed below `test_share`, 'train' for the others."""
    return TEST if place(person, salt) < test_share else TRAIN


def side_sql(person: str, salt: str, test_share: float) -> str:
    """`side_of` as Spark SQL; `person` and `salt` are SQL expressions. A test holds the two to the same answer."""
    digest = f"sha2(concat({salt}, ':', cast({person} as string)), 256)"
    number = f"cast(conv(substring({digest}, 1, {DIGITS}), 16, 10) as double) / {16**DIGITS}.0D"
    return f"CASE WHEN {number} < {test_share!r}D THEN '{TEST}' ELSE '{TRAIN}' END"


def check_salts(salts: list[str], table: str) -> str:
    """The one salt of a side table; raises TaskError if persons were placed with several."""
    if len(salts) != 1:
        raise TaskError(f"{table}: salt = {sorted(salts)} is not valid; valid: one salt for the model's life")
    return salts[0]


def check_kept(moved: int, twice: int, table: str, test_share: float) -> None:
    """Raise TaskError if persons would change sides, or are listed more than once.

    moved: persons whose recorded side is not the one that their hash and `test_share` give.
    """
    if twice:
        raise TaskError(
            f"{table}: {shown(twice)} persons are listed more than once; restore the table's last good version"
        )
    if moved:
        raise TaskError(
            f"{table}: {shown(moved)} persons would change sides with test_share = {test_share}; a side is fixed for "
            "the model's life: give the model its former test_share back, restore the table, or declare a new model"
        )


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a side holds: encounters with a known outcome, their persons and events; those that wait for one."""

    encounters: int
    persons: int | None
    events: int
    waiting: int = 0
    never: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """What is said of those with a known outcome, and what follows from it."""
        said = {"encounters": self.encounters, "events": self.events}
        return with_others(said if self.persons is None else said | {"persons": self.persons})

    @property
    def few(self) -> bool:
        """Whether a count of those with a known outcome is of 1 to 10, but for who returns."""
        return few(*(count for kind, count in self.counts.items() if kind != AGAIN))


def told(
    sizes: Mapping[str, Size], before: Collection[Mapping[str, Mapping[str, int]]] = (), *, cohort: bool = True
) -> dict[str, Size | None]:
    """The sizes of both sides as they may be said; None where one is kept back, or its persons.

    Other reports show both sides together, and the evaluation the test side: where one is small, neither is said. The
    attrition shows who waits besides: where those are few, the training side is not said, nor where the attrition does
    not say how many there are (cohort). before: the counts of each side as they were said before; where one differs
    from them by 1 to 10, neither side is said. Where the encounters beyond the first of each person are few, or differ
    by few, the persons of neither side are.
    """
    differing = {
        kind
        for side, size in sizes.items()
        for kind, count in size.counts.items()
        if moved(count, [one[side][kind] for one in before if kind in one.get(side, {})])
    }
    small = any(size.few for size in sizes.values()) or bool(differing - {AGAIN})
    waiting, never = sum(size.waiting for size in sizes.values()), sum(size.never for size in sizes.values())
    late = not cohort or few(waiting, never)
    again = [size.counts[AGAIN] for size in sizes.values() if AGAIN in size.counts]
    # Who waits with one encounter and not with another is told by the persons, too.
    if AGAIN in differing or few(*again, waiting - never):
        sizes = {side: replace(size, persons=None) for side, size in sizes.items()}
    return {side: None if small or (late and side == TRAIN) else size for side, size in sizes.items()}
