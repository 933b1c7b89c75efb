"""Schedules and triggers on a virtual clock; the sentences are of the Databricks and the Quartz documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_bench import Bench, task

from sandbox.errors import SandboxError
from sandbox.runner.clock import VirtualClock
from sandbox.runner.quartz import Quartz
from sandbox.runner.triggers import Triggers

# A Wednesday.
START = datetime(2025, 1, 1, 0, 0, tzinfo=UTC).timestamp()
DAY = 86_400.0


def fires(expression: str, count: int, begin: str = "2025-01-01T00:00:00", zone: str = "UTC") -> list[str]:
    """The next times, in UTC."""
    found, moment = [], datetime.fromisoformat(begin).replace(tzinfo=UTC).timestamp() - 1
    for _ in range(count):
        moment = Quartz(expression, zone).after(moment)
        found.append(datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S"))
    return found


# "Cron Trigger Tutorial" of Quartz: expression, meaning as it says it, and days and times taken from a calendar.
EXAMPLES = [
    ("0 0 12 * * ?", "Fire at 12pm (noon) every day", ["2025-01-01 12:00:00", "2025-01-02 12:00:00"]),
    ("0 15 10 ? * *", "Fire at 10:15am every day", ["2025-01-01 10:15:00", "2025-01-02 10:15:00"]),
    ("0 15 10 * * ? 2026", "Fire at 10:15am every day during the year 2026", ["2026-01-01 10:15:00"]),
    ("0 * 14 * * ?", "Fire every minute starting at 2pm and ending at 2:59pm, every day", ["2025-01-01 14:00:00", "2025-01-01 14:01:00"]),
    ("0 0/5 14,18 * * ?", "every 5 minutes starting at 2pm [...] AND [...] starting at 6pm",
     [f"2025-01-01 14:{m:02}:00" for m in range(0, 60, 5)] + ["2025-01-01 18:00:00"]),
    ("0 0-5 14 * * ?", "Fire every minute starting at 2pm and ending at 2:05pm, every day",
     [f"2025-01-01 14:0{m}:00" for m in range(6)] + ["2025-01-02 14:00:00"]),
    ("0 10,44 14 ? 3 WED", "Fire at 2:10pm and at 2:44pm every Wednesday in the month of March.", ["2025-03-05 14:10:00", "2025-03-05 14:44:00", "2025-03-12 14:10:00"]),
    ("0 15 10 ? * MON-FRI", "Fire at 10:15am every Monday, Tuesday, Wednesday, Thursday and Friday",
     ["2025-01-01 10:15:00", "2025-01-02 10:15:00", "2025-01-03 10:15:00", "2025-01-06 10:15:00"]),
    ("0 15 10 15 * ?", "Fire at 10:15am on the 15th day of every month", ["2025-01-15 10:15:00", "2025-02-15 10:15:00"]),
    ("0 15 10 L * ?", "Fire at 10:15am on the last day of every month", ["2025-01-31 10:15:00", "2025-02-28 10:15:00"]),
    ("0 15 10 L-2 * ?", "Fire at 10:15am on the 2nd-to-last last day of every month", ["2025-01-29 10:15:00", "2025-02-26 10:15:00"]),
    ("0 15 10 ? * 6L", "Fire at 10:15am on the last Friday of every month", ["2025-01-31 10:15:00", "2025-02-28 10:15:00", "2025-03-28 10:15:00"]),
    ("0 15 10 ? * 6#3", "Fire at 10:15am on the third Friday of every month", ["2025-01-17 10:15:00", "2025-02-21 10:15:00"]),
    ("0 0 12 1/5 * ?", "Fire at 12pm (noon) every 5 days every month, starting on the first day of the month.",
     ["2025-01-01 12:00:00", "2025-01-06 12:00:00"]),
    ("0 11 11 11 11 ?", "Fire every November 11th at 11:11am.", ["2025-11-11 11:11:00", "2026-11-11 11:11:00"]),
    ("0 0 0 15W * ?", "the nearest weekday to the 15th of the month", ["2025-01-15 00:00:00", "2025-02-14 00:00:00"]),
    ("0 0 0 1W * ?", "it will not 'jump' over the boundary of a month's days", ["2025-01-01 00:00:00", "2025-02-03 00:00:00"]),
    ("0 0 0 LW * ?", "'last weekday of the month'", ["2025-01-31 00:00:00", "2025-02-28 00:00:00", "2025-03-31 00:00:00", "2025-04-30 00:00:00", "2025-05-30 00:00:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "meaning", "expected"), EXAMPLES, ids=[one[0] for one in EXAMPLES])
def test_quartz_expressions_fire_as_their_tutorial_says(expression, meaning, expected):
    assert fires(expression, len(expected)) == expected, meaning


def test_a_schedule_keeps_its_hour_when_the_clocks_change():
    # 30 March 2025: Paris goes from UTC+1 to UTC+2.
    found = fires("0 0 8 * * ?", 3, "2025-03-29T00:00:00", "Europe/Paris")
    assert found == ["2025-03-29 07:00:00", "2025-03-30 06:00:00", "2025-03-31 06:00:00"]


@given(st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)), st.integers(0, 59), st.integers(0, 23))
def test_a_daily_time_fires_within_a_day_and_never_in_the_past(moment, minute, hour):
    begin = moment.replace(tzinfo=UTC).timestamp()
    found = Quartz(f"0 {minute} {hour} * * ?").after(begin)
    at = datetime.fromtimestamp(found, UTC)
    assert 0 < found - begin <= DAY
    assert (at.second, at.minute, at.hour) == (0, minute, hour)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 0 3 * *", "valid: six or seven fields"),
        ("0 0 3 * * *", r"valid: '\?' in exactly one of day of month and day of week"),
        ("0 61 3 * * ?", "minutes '61'; valid: 0 to 59"),
        ("0 0 3 ? * FUN", "day of week 'FUN'; valid: 1 to 7"),
        ("0 0 3 , * ?", "day of month is empty"),
    ],
)
def test_an_expression_that_cannot_be_is_refused(expression, said):
    with pytest.raises(SandboxError, match=f"quartz_cron_expression = .* is not valid: {said}"):
        Quartz(expression)


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(SandboxError, match="timezone_id = 'Mars/Crater' is not valid"):
        Quartz("0 0 3 * * ?", "Mars/Crater")


def looked(bench: Bench, clock: VirtualClock, days: float) -> list[tuple[str, str, float]]:
    """What starts within so many days: job, trigger, hours since the beginning."""
    found: list[tuple[str, str, float]] = []
    Triggers(bench.workspace, clock).run_until(
        clock.time() + days * DAY, lambda due: found.append((due.job, due.trigger, (due.at - START) / 3600)), 600
    )
    return found


def test_schedules_start_their_jobs_and_paused_ones_do_not(bench: Bench):
    nightly = {"quartz_cron_expression": "0 0 3 * * ?", "timezone_id": "UTC"}
    bench.deploy("nightly", [task("a", "say")], schedule=[{**nightly, "pause_status": "UNPAUSED"}])
    bench.deploy("paused", [task("a", "say")], schedule=[{**nightly, "pause_status": "PAUSED"}])
    bench.deploy("by_hand", [task("a", "say")])
    bench.deploy("often", [task("a", "say")], trigger=[{"periodic": [{"interval": 12, "unit": "HOURS"}]}])
    assert looked(bench, VirtualClock(START), 1) == [
        ("nightly", "PERIODIC", 3.0), ("often", "PERIODIC", 12.0), ("often", "PERIODIC", 24.0),
    ]  # fmt: skip


def test_times_that_nobody_looked_at_are_made_up_for_once(bench: Bench):
    bench.deploy("nightly", [task("a", "say")], schedule=[{"quartz_cron_expression": "0 0 3 * * ?"}])
    clock = VirtualClock(START)
    assert Triggers(bench.workspace, clock).look() == []
    clock.advance(5 * DAY)
    assert len(Triggers(bench.workspace, clock).look()) == 1
    assert Triggers(bench.workspace, clock).look() == []


def commit(bench: Bench, table: str, version: int) -> None:
    log = bench.workspace.warehouse / "ml" / table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020}.json").write_text("{}")


@pytest.mark.parametrize(("condition", "starts"), [("ANY_UPDATED", [1, 2]), ("ALL_UPDATED", [2])])
def test_updated_tables_start_a_job(bench: Bench, condition, starts):
    # "you can specify whether a job triggers when any or all of the tables are updated"
    tables = ["cdh_test.ml.a", "cdh_test.ml.b"]
    bench.deploy("t", [task("a", "say")], trigger=[{"table_update": [{"table_names": tables, "condition": condition}]}])
    clock = VirtualClock(START)
    triggers, found = Triggers(bench.workspace, clock), []
    commit(bench, "a", 0)
    assert triggers.look() == [], "what was there before is no update"
    for step, table in enumerate(["a", "b"], 1):
        commit(bench, table, step)
        clock.advance(60)
        found += [step for due in triggers.look() if due.trigger == "TABLE"]
    assert found == starts
    clock.advance(DAY)
    assert Triggers(bench.workspace, clock).look() == [], "the same update starts nothing twice"


def arrive(bench: Bench, name: str, text: str = "") -> Path:
    path = bench.workspace.volume_path(f"/Volumes/cdh_test/ml/in/{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def on_arrival(bench: Bench, **waits: int) -> tuple[Triggers, VirtualClock]:
    arrive(bench, "old.csv")
    bench.deploy("f", [task("a", "say", named={"where": "{{job.trigger.file_arrival.location}}", "by": "{{job.trigger.type}}"})],
                 trigger=[{"file_arrival": [{"url": "/Volumes/cdh_test/ml/in/", **waits}]}])  # fmt: skip
    clock = VirtualClock(START)
    triggers = Triggers(bench.workspace, clock)
    assert triggers.look() == []
    return triggers, clock


def test_a_new_file_starts_a_job_also_deep_below_and_an_overwritten_one_does_not(bench: Bench):
    # "Only new files trigger runs. Overwriting an existing file with a file of the same name does not trigger a run."
    triggers, _ = on_arrival(bench)
    arrive(bench, "old.csv", "new text")
    assert triggers.look() == []
    arrive(bench, "deep/er/new.csv")
    (due,) = triggers.look()
    assert (due.trigger, due.why) == ("FILE_ARRIVAL", "1 new files in /Volumes/cdh_test/ml/in/")
    assert triggers.look() == []


def test_a_run_knows_what_triggered_it(bench: Bench):
    from sandbox.runner import run_job

    on_arrival(bench)
    run = run_job(bench.workspace, bench.services, "f", trigger="FILE_ARRIVAL")
    assert bench.runs.run(1).trigger == "FILE_ARRIVAL"
    assert bench.arguments(run, "a") == {"where": "/Volumes/cdh_test/ml/in/", "by": "file_arrival"}


def test_a_trigger_waits_between_its_runs_and_after_the_last_change(bench: Bench):
    waits = {"min_time_between_triggers_seconds": 600, "wait_after_last_change_seconds": 120}
    triggers, clock = on_arrival(bench, **waits)
    started = []
    for minute in range(40):
        if minute in (1, 2, 5):
            arrive(bench, f"{minute}.csv")
        started += [(minute, due.why.split()[0]) for due in triggers.look()]
        clock.advance(60)
    # The second waits for the first's ten minutes to be over, and nothing that arrived meanwhile is lost.
    assert started == [(4, "2"), (14, "1")]


def test_a_table_of_another_catalog_is_refused(bench: Bench):
    bench.deploy("t", [task("a", "say")], trigger=[{"table_update": [{"table_names": ["other.ml.a"]}]}])
    with pytest.raises(SandboxError, match=r"table 'other\.ml\.a' is not in this workspace; its catalog: cdh_test"):
        Triggers(bench.workspace, VirtualClock(START)).look()
