"""The generator: same seed, same bytes; a change moves the newest encounters and nothing before them."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from synthetic.changes import CHANGES, turning_point
from synthetic.generate import TABLES, generate, main, population

PERSONS = 1_500
SEED = 7


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {name: tmp_path_factory.mktemp(name) for name in CHANGES}
    for name, folder in made.items():
        generate(folder, PERSONS, SEED, name)
    return made


def read(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def in_order(visits: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(visits, key=lambda v: (v["visit_end_datetime"], int(v["visit_occurrence_id"])))


def returned(visits: list[dict[str, str]]) -> dict[str, bool]:
    """Per inpatient stay after which the person is at risk: whether another stay starts on day 1 to 30."""
    stays = [v for v in visits if v["visit_concept_id"] == "9201"]
    starts = defaultdict(list)
    for stay in stays:
        starts[stay["person_id"]].append(date.fromisoformat(stay["visit_start_datetime"][:10]))
    found = {}
    for stay in stays:
        if stay["discharged_to_source_value"] not in ("expired", "hospice"):
            end = date.fromisoformat(stay["visit_end_datetime"][:10])
            found[stay["visit_occurrence_id"]] = any(1 <= (day - end).days <= 30 for day in starts[stay["person_id"]])
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_seed_gives_the_same_bytes(change: str, folders: dict[str, Path], tmp_path: Path):
    generate(tmp_path, PERSONS, SEED, change)
    for table in TABLES:
        assert (tmp_path / f"{table}.csv").read_bytes() == (folders[change] / f"{table}.csv").read_bytes()


def test_another_seed_gives_other_persons(folders: dict[str, Path], tmp_path: Path):
    generate(tmp_path, PERSONS, SEED + 1)
    assert (tmp_path / "person.csv").read_bytes() != (folders["none"] / "person.csv").read_bytes()


def test_a_person_has_the_same_course_in_a_larger_population():
    few, many = population(20, SEED), population(60, SEED)
    assert few == many[:20]


def test_the_rate_of_readmission_is_about_fifteen_percent_and_rises_with_chronic_conditions(folders: dict[str, Path]):
    visits = read(folders["none"], "visit_occurrence")
    came_back = returned(visits)
    assert 0.12 < sum(came_back.values()) / len(came_back) < 0.18
    failing = {
        row["visit_occurrence_id"]
        for row in read(folders["none"], "condition_occurrence")
        if row["condition_source_value"].startswith("I50")
    }
    with_failure = [value for visit, value in came_back.items() if visit in failing]
    without = [value for visit, value in came_back.items() if visit not in failing]
    assert sum(with_failure) / len(with_failure) > 1.3 * sum(without) / len(without)


def test_the_first_ninety_percent_of_the_encounters_are_the_same_with_the_change(folders: dict[str, Path]):
    for table, key in (
        ("visit_occurrence", "visit_end_datetime"),
        ("condition_occurrence", "condition_start_datetime"),
    ):
        before, after = (read(folders[name], table) for name in ("none", "readmission_surge"))
        cut = in_order(read(folders["none"], "visit_occurrence"))
        turn = cut[int(0.9 * len(cut)) - 1]["visit_end_datetime"]
        assert [row for row in after if row[key] <= turn] == [row for row in before if row[key] <= turn]
        assert len(after) > len(before)
    assert read(folders["none"], "person") == read(folders["readmission_surge"], "person")


def test_the_surge_keeps_every_stay_and_its_past_and_adds_only_later_ones(folders: dict[str, Path]):
    before, after = (read(folders[name], "visit_occurrence") for name in ("none", "readmission_surge"))
    kept = {row["visit_occurrence_id"]: row for row in after}
    assert all(kept[row["visit_occurrence_id"]] == row for row in before)
    known = {row["visit_occurrence_id"] for row in before}
    last = defaultdict(str)
    for row in before:
        if row["visit_concept_id"] == "9201":
            last[row["person_id"]] = max(last[row["person_id"]], row["visit_end_datetime"])
    added = [row for row in after if row["visit_occurrence_id"] not in known]
    assert added
    assert all(row["visit_start_datetime"] > last[row["person_id"]] for row in added), (
        "no existing stay has them in its past"
    )


def test_the_surge_more_than_doubles_readmission_in_the_last_tenth_only(folders: dict[str, Path]):
    rates = {}
    for name in CHANGES:
        visits = in_order(read(folders[name], "visit_occurrence"))
        came_back = returned(visits)
        cut = int(0.9 * len(visits))
        for part, some in (("old", visits[: cut - 200]), ("new", visits[cut:])):
            seen = [came_back[v["visit_occurrence_id"]] for v in some if v["visit_occurrence_id"] in came_back]
            rates[name, part] = sum(seen) / len(seen)
    assert rates["readmission_surge", "new"] > 2 * rates["none", "new"]
    assert rates["readmission_surge", "old"] == pytest.approx(rates["none", "old"], rel=0.05)


def test_a_delivery_keeps_the_rules_of_time_and_death(folders: dict[str, Path]):
    for name in CHANGES:
        visits = read(folders[name], "visit_occurrence")
        stays = defaultdict(list)
        for row in visits:
            start, end = (datetime.fromisoformat(row[f"visit_{side}_datetime"]) for side in ("start", "end"))
            assert datetime(2021, 1, 1) <= start <= end < datetime(2024, 1, 2)
            if row["visit_concept_id"] == "9201":
                stays[row["person_id"]].append((start, end, row["discharged_to_source_value"]))
        for some in stays.values():
            some.sort()
            assert all(first[1] <= second[0] for first, second in pairwise(some)), "stays do not overlap"
            assert all(left not in ("expired", "hospice") for _, _, left in some[:-1]), "nobody is admitted after death"
        ids = [row["visit_occurrence_id"] for row in visits]
        assert len(set(ids)) == len(ids)


def test_an_unknown_change_lists_the_known_ones():
    with pytest.raises(ValueError, match="change 'flood' is not known; valid: none, readmission_surge"):
        population(5, SEED, "flood")


def test_the_turning_point_lies_at_ninety_percent_of_the_visits():
    people = population(200, SEED)
    ends = [visit.end for person in people for visit in person.visits]
    assert sum(end < turning_point(people) for end in ends) == int(0.9 * len(ends))


def test_the_command_writes_what_the_function_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.argv", ["generate", str(tmp_path / "a"), "--persons", "20", "--seed", "7"])
    main()
    assert generate(tmp_path / "b", persons=20, seed=7)["person"] == 20
    for table in TABLES:
        assert (tmp_path / "a" / f"{table}.csv").read_bytes() == (tmp_path / "b" / f"{table}.csv").read_bytes()
