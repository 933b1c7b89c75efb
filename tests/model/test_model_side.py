"""A person's side is a function of person and salt alone, for the model's life."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import TaskError
from jobs.model.side import TEST, TRAIN, check_kept, check_salts, salt_of, side_of

PERSONS = st.one_of(st.integers(min_value=0, max_value=10**12), st.text(min_size=1, max_size=20))
SALTS = st.text(alphabet="0123456789abcdef", min_size=16, max_size=16)


@pytest.mark.clause("14")
@given(person=PERSONS, salt=SALTS, others=st.lists(PERSONS))
def test_the_side_depends_on_the_person_and_the_salt_alone(person: object, salt: str, others: list[object]) -> None:
    alone = side_of(person, salt, 0.25)
    among = {one: side_of(one, salt, 0.25) for one in [*others, person, *others]}
    assert among[person] == alone
    assert alone in (TRAIN, TEST)


@given(person=st.integers(min_value=0, max_value=10**12), salt=SALTS)
def test_a_person_keeps_the_side_whether_the_id_is_a_number_or_its_text(person: int, salt: str) -> None:
    assert side_of(person, salt, 0.25) == side_of(str(person), salt, 0.25)


@given(person=PERSONS, salt=SALTS)
def test_a_larger_test_share_moves_nobody_from_test_to_train(person: object, salt: str) -> None:
    assert not (side_of(person, salt, 0.2) == TEST and side_of(person, salt, 0.4) == TRAIN)


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5])
def test_the_share_of_test_persons_is_the_declared_one(share: float) -> None:
    count = 20_000
    found = sum(side_of(person, salt_of("readmission"), share) == TEST for person in range(count)) / count
    assert abs(found - share) < 4 * (share * (1 - share) / count) ** 0.5


def test_two_models_place_the_same_persons_differently() -> None:
    sides = [[side_of(person, salt_of(name), 0.5) for person in range(1000)] for name in ("one_model", "other_model")]
    agreement = sum(a == b for a, b in zip(*sides, strict=True))
    assert 400 < agreement < 600


def test_the_known_place_of_a_known_person() -> None:
    # `printf abc:1 | sha256sum` starts with bfcf0b9c, which is 0.74925 of the range.
    assert side_of(1, "abc", 0.7492) == TRAIN
    assert side_of(1, "abc", 0.7493) == TEST


def test_persons_who_would_change_sides_are_counted_and_refused() -> None:
    with pytest.raises(TaskError, match=r"readmission.side: 120 persons would change sides with test_share = 0.4"):
        check_kept(120, 0, "readmission.side", 0.4)


def test_a_count_of_few_persons_is_not_shown_when_sides_are_refused() -> None:
    with pytest.raises(TaskError, match="fewer than 11 persons"):
        check_kept(3, 0, "readmission.side", 0.25)


def test_a_person_listed_twice_is_refused() -> None:
    with pytest.raises(TaskError, match="30 persons are listed more than once"):
        check_kept(0, 30, "readmission.side", 0.25)


def test_two_salts_in_one_side_table_are_refused() -> None:
    assert check_salts(["a"], "m.side") == "a"
    with pytest.raises(TaskError, match=r"m.side: salt = \['a', 'b'\] is not valid"):
        check_salts(["b", "a"], "m.side")
