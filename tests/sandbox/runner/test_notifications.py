"""Retry intervals, notifications and health rules: what happens when, and who is told."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from runner_bench import Bench, begin, task
from test_killed import kill, start, wait_for

from sandbox.runner import TaskStarted
from sandbox.runner.attempt import Ended
from sandbox.runner.clock import VirtualClock
from sandbox.runner.ledger import Ledger
from sandbox.runner.outcomes import Acted
from sandbox.runner.schedule import Caller

NOON = 1_750_000_000.0
BAD = Acted(Ended("FAILED", "the reason"))
CALLER = Caller(threading.Event())


# ---- time ------------------------------------------------------------------------------------------------------------


def test_the_retry_interval_counts_from_the_start_of_the_failed_attempt(bench: Bench):
    # "An optional minimal interval in milliseconds between the start of the failed run and the subsequent retry run."
    clock = VirtualClock(NOON)

    def act(call):
        clock.advance(600)
        return BAD

    bench.deploy("slow", [task("a", "say", max_retries=2, min_retry_interval_millis=3_600_000)])
    bench.fake(act, clock).execute(CALLER)
    assert [one.started - NOON for one in bench.runs.task(1, "a").attempts] == [0, 3600, 7200]
    assert clock.now - NOON == 7200 + 600


def test_retries_without_an_interval_follow_at_once(bench: Bench):
    # "The default behavior is that unsuccessful runs are immediately retried."
    clock = VirtualClock(NOON)
    bench.deploy("fast", [task("a", "say", max_retries=3)])
    bench.fake(lambda call: BAD, clock).execute(CALLER)
    assert [one.started for one in bench.runs.task(1, "a").attempts] == [NOON] * 4


# ---- notifications ---------------------------------------------------------------------------------------------------

TELL = {
    "email_notifications": [{
        "on_start": ["s@x"], "on_success": ["ok@x"], "on_failure": ["bad@x"],
        "on_duration_warning_threshold_exceeded": ["slow@x"],
    }],
    "webhook_notifications": [{"on_failure": [{"id": "hook"}]}],
}  # fmt: skip


def told(bench: Bench, run_id: int = 1) -> list[str]:
    return [f"{one.event} {one.channel} {one.recipient}" for one in bench.runs.notifications(run_id)]


def test_the_outbox_tells_of_start_and_success(bench: Bench):
    bench.deploy("good", [task("a", "say")], **TELL)
    bench.run("good")
    assert told(bench) == ["on_start email s@x", "on_success email ok@x"]
    assert bench.runs.notifications(1)[-1].subject == "good, run 1: success"


def test_the_outbox_tells_of_a_failure_by_every_channel_with_its_reason(bench: Bench):
    bench.deploy("bad", [task("a", "fail")], **TELL)
    bench.run("bad")
    assert told(bench) == ["on_start email s@x", "on_failure email bad@x", "on_failure webhook hook"]
    subject = "bad, run 1: failed: task 'a': ValueError: the reason is this one"
    assert bench.runs.notifications(1)[-1].subject == subject


def test_a_killed_runs_failure_is_told_once(bench: Bench):
    up = bench.folder / "up"
    bench.deploy("long", [task("a", "hang", named={"started": str(up)})], **TELL)
    runner = start(bench, "long")
    wait_for(up.exists)
    kill(runner)
    for _ in range(2):
        with closing(Ledger(bench.workspace.runs)) as ledger:
            ledger.recover()
    assert told(bench) == ["on_start email s@x", "on_failure email bad@x", "on_failure webhook hook"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["on_failure email bad@x", "on_failure webhook hook"]),
        # "If true, do not send notifications to recipients specified in on_failure if the run is skipped."
        ({"notification_settings": [{"no_alert_for_skipped_runs": True}]}, []),
    ],
)
def test_a_skipped_run_is_told_unless_it_shall_not_be(bench: Bench, settings, expected):
    bench.deploy("one", [task("a", "say")], **TELL, **settings)
    holder = Ledger(bench.workspace.runs)
    begin(holder, job_id=bench.id, job_name="one")
    assert bench.run("one").state == "SKIPPED"
    assert told(bench, 2) == expected
    holder.close()


@pytest.mark.parametrize(
    ("settings", "starts", "failures"),
    [
        ({}, 3, 3),
        # "If true, do not send notifications to recipients specified in on_start for the retried runs and do not send
        # notifications to recipients specified in on_failure until the last retry of the run."
        ({"notification_settings": [{"alert_on_last_attempt": True}]}, 1, 1),
    ],
)
def test_attempts_of_a_task_are_told(bench: Bench, settings, starts, failures):
    email = {"email_notifications": [{"on_start": ["s@x"], "on_failure": ["bad@x"]}]}
    bench.deploy("try", [task("a", "fail", max_retries=2, **email, **settings)])
    bench.run("try")
    assert told(bench) == [*["on_start email s@x", "on_failure email bad@x"] * starts][: starts + failures]
    assert {one.task_key for one in bench.runs.notifications(1)} == {"a"}


def test_a_run_and_a_task_over_the_duration_of_their_health_rules_are_told_once_and_go_on(bench: Bench):
    # "A list of email addresses to be notified when the duration of a run exceeds the threshold specified for the
    # RUN_DURATION_SECONDS metric in the health field."
    rule = {"health": [{"rules": [{"metric": "RUN_DURATION_SECONDS", "op": "GREATER_THAN", "value": 1}]}]}
    warn = {"email_notifications": [{"on_duration_warning_threshold_exceeded": ["slow@x"]}]}
    bench.deploy("slow", [task("a", "pause", named={"seconds": "1.6"}, **rule, **warn)], **rule, **warn)
    run = bench.run("slow")
    assert run.result == "SUCCESS"
    assert sorted(one.subject for one in bench.runs.notifications(1)) == [
        "slow, run 1, task a: takes longer than 1 s", "slow, run 1: takes longer than 1 s",
    ]  # fmt: skip


def test_no_event_is_lost_between_queue_and_end(bench: Bench):
    bench.deploy("good", [task("a", "say"), task("b", "say")])
    bench.run("good")
    assert sorted(event.task for event in bench.events if isinstance(event, TaskStarted)) == ["a", "b"]
