"""Sentences of the Databricks documentation: "Configure task dependencies" and "If/else condition task"."""

from __future__ import annotations

import pytest

from sandbox.errors import SandboxError
from sandbox.runner.conditions import Upstream, compare, job_result, verdict

OK, BAD, OUT, ELSE = Upstream.SUCCEEDED, Upstream.FAILED, Upstream.EXCLUDED, Upstream.OTHER_BRANCH
OFF = Upstream.DISABLED
RUNS = None

# The sentence, run_if, how the dependencies ended, and what becomes of the task.
CASES = [
    ("All succeeded: All dependencies have run and succeeded.", "ALL_SUCCESS", [OK, OK], RUNS),
    ("The task is marked as Upstream failed if the condition is not met.", "ALL_SUCCESS", [OK, BAD], "UPSTREAM_FAILED"),
    ("Excluded tasks are skipped and are treated as successful.", "ALL_SUCCESS", [OK, OUT], RUNS),
    ("At least one succeeded: At least one dependency has succeeded.", "AT_LEAST_ONE_SUCCESS", [BAD, OK], RUNS),
    ("The task is marked as Upstream failed if not met.", "AT_LEAST_ONE_SUCCESS", [BAD, BAD], "UPSTREAM_FAILED"),
    ("None failed: None of the dependencies failed, and at least one was run.", "NONE_FAILED", [OK, OUT], RUNS),
    ("None of the dependencies failed", "NONE_FAILED", [OK, BAD], "UPSTREAM_FAILED"),
    ("at least one dependency was run", "NONE_FAILED", [OUT, OUT], "EXCLUDED"),
    ("All done: run after all its dependencies have run, regardless of status.", "ALL_DONE", [BAD, BAD], RUNS),
    ("All done", "ALL_DONE", [OK, OUT], RUNS),
    ("At least one failed: At least one dependency failed.", "AT_LEAST_ONE_FAILED", [OK, BAD], RUNS),
    ("The task is marked as Excluded if the condition is not met.", "AT_LEAST_ONE_FAILED", [OK, OK], "EXCLUDED"),
    ("All failed: All dependencies have failed.", "ALL_FAILED", [BAD, BAD], RUNS),
    ("The task is marked as Excluded if the condition is not met.", "ALL_FAILED", [OK, BAD], "EXCLUDED"),
    ("If all task dependencies are excluded, the task is also excluded", "ALL_SUCCESS", [OUT, OUT], "EXCLUDED"),
    ("... regardless of its Run if condition.", "ALL_DONE", [OUT], "EXCLUDED"),
    ("If the dependency condition is not met, the dependent task does not run", "ALL_SUCCESS", [ELSE], "EXCLUDED"),
    ("... and the job does not fail by it", "ALL_SUCCESS", [OK, ELSE], "EXCLUDED"),
    ("... but a failure beside it is one", "ALL_SUCCESS", [BAD, ELSE], "UPSTREAM_FAILED"),
    # The table under "Downstream task behavior" of "Disabled tasks in Lakeflow Jobs", its rows shortened.
    ("A disabled parent task does not satisfy the succeeded requirement.", "ALL_SUCCESS", [OFF], "DISABLED"),
    ("A disabled parent task does not satisfy the succeeded requirement.", "ALL_SUCCESS", [OFF, OK], "DISABLED"),
    ("A (disabled) C (succeeded) -> B: B runs.", "AT_LEAST_ONE_SUCCESS", [OFF, OK], RUNS),
    (
        "If all other parents failed [...], the downstream task does not run.",
        "AT_LEAST_ONE_SUCCESS",
        [OFF, BAD],
        "UPSTREAM_FAILED",
    ),
    ("A (disabled) C (skipped) -> B: B runs because no parent failed.", "NONE_FAILED", [OFF, OUT], RUNS),
    ("If all parent tasks are disabled, the downstream task does not run.", "NONE_FAILED", [OFF, OFF], "DISABLED"),
    ("A disabled parent task counts as done. A (disabled) -> B: B runs.", "ALL_DONE", [OFF], RUNS),
    ("A (disabled) C (failed) -> B: B runs.", "AT_LEAST_ONE_FAILED", [OFF, BAD], RUNS),
    ("If no other parent task failed, the downstream task does not run.", "AT_LEAST_ONE_FAILED", [OFF, OK], "EXCLUDED"),
    (
        "A disabled parent task isn't considered failed. A (disabled) -> B: B does not run.",
        "ALL_FAILED",
        [OFF],
        "DISABLED",
    ),
    ("A disabled parent task isn't considered failed.", "ALL_FAILED", [OFF, BAD], "DISABLED"),
    ("A task without dependencies runs", "ALL_FAILED", [], RUNS),
]


@pytest.mark.parametrize(
    ("sentence", "run_if", "ended", "expected"), CASES, ids=[f"{c[1]}-{i}" for i, c in enumerate(CASES)]
)
def test_run_if_holds_the_documentation(sentence, run_if, ended, expected):
    assert verdict(run_if, ended) == expected, sentence


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        # "The == and != operators perform string comparison. For example, 12.0 == 12 evaluates to false."
        ("EQUAL_TO", "12.0", "12", False),
        ("NOT_EQUAL", "12.0", "12", True),
        # ">= [...] numeric comparisons. For example, 12.0 >= 12 evaluates to true, and 10.0 >= 12 to false."
        ("GREATER_THAN_OR_EQUAL", "12.0", "12", True),
        ("GREATER_THAN_OR_EQUAL", "10.0", "12", False),
        ("GREATER_THAN", "9", "12", False),
        ("LESS_THAN", "9", "12", True),
        ("LESS_THAN_OR_EQUAL", "12", "12.0", True),
    ],
)
def test_a_condition_compares_as_documented(op, left, right, expected):
    assert compare(op, left, right) is expected


def test_a_numeric_comparison_of_words_is_refused():
    with pytest.raises(SandboxError, match=r"GREATER_THAN.*numbers; found 'many' and '3'"):
        compare("GREATER_THAN", "many", "3")


def test_an_unknown_operator_is_refused_with_the_valid_ones():
    with pytest.raises(SandboxError, match="op = 'IS' is not valid; valid: EQUAL_TO, NOT_EQUAL"):
        compare("IS", "1", "1")


@pytest.mark.parametrize(
    ("results", "leaves", "expected"),
    [
        ({"a": "SUCCESS", "b": "SUCCESS"}, ["b"], "SUCCESS"),
        # "Succeeded with failures: Some tasks failed, but all leaf tasks were successful."
        ({"a": "FAILED", "b": "SUCCESS"}, ["b"], "SUCCESS_WITH_FAILURES"),
        # "Failed: One or more leaf tasks failed."
        ({"a": "SUCCESS", "b": "TIMEDOUT"}, ["b"], "FAILED"),
        ({"a": "FAILED", "b": "UPSTREAM_FAILED"}, ["b"], "FAILED"),
        ({"a": "SUCCESS", "b": "EXCLUDED"}, ["b"], "SUCCESS"),
    ],
)
def test_a_run_ends_as_its_leaf_tasks_do(results, leaves, expected):
    assert job_result(results, leaves) == expected
