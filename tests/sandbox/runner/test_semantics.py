"""Databricks Jobs semantics: one case a sentence of its documentation, and a job that shows that the sentence holds.

Sources: [1] "Configure task dependencies", [2] "Add branching logic to a job with the If/else task", [3] "Use a For
each task to run another task in a loop", [4] "Use a lookup table for large parameter arrays in a For each task", [5]
"What is a dynamic value reference?", [6] "Configure task parameters", [7] "Databricks Jobs queueing and concurrency
settings", [8] the Jobs API (field descriptions), [9] "Disabled tasks in Lakeflow Jobs".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from runner_bench import Bench, condition, for_each, task

from sandbox.runner import RunResult


@dataclass(frozen=True)
class Case:
    """sentence: quoted. tasks: of the job. results: of its tasks. more: what else to look at. given: parameters."""

    source: str
    sentence: str
    tasks: list[dict[str, Any]]
    results: dict[str, str]
    result: str = "SUCCESS"
    more: Callable[[Bench, RunResult], bool] = lambda bench, run: True
    fields: dict[str, Any] | None = None
    given: dict[str, str] | None = None


def said(key: str, name: str, value: str) -> Callable[[Bench, RunResult], bool]:
    """Whether the task was called with ``--name=value``."""
    return lambda bench, run: bench.arguments(run, key)[name] == value


def reason(key: str, text: str) -> Callable[[Bench, RunResult], bool]:
    return lambda bench, run: text in run.tasks[key].reason


SAY = {"x": "{{input}}"}
OK, BAD, OUT, UP = "SUCCESS", "FAILED", "EXCLUDED", "UPSTREAM_FAILED"

CASES = {
    # run_if
    "all succeeded is the default": Case(
        "1", "All succeeded: All dependencies have run and succeeded. This is the default condition to run a task.",
        [task("a", "say"), task("b", "fail"), task("c", "say", ["a", "b"])], {"a": OK, "b": BAD, "c": UP}, BAD),
    "at least one succeeded": Case(
        "1", "At least one succeeded: At least one dependency has succeeded.",
        [task("a", "say"), task("b", "fail"), task("c", "say", ["a", "b"], run_if="AT_LEAST_ONE_SUCCESS")],
        {"a": OK, "b": BAD, "c": OK}, "SUCCESS_WITH_FAILURES"),
    "none failed": Case(
        "1", "None failed: None of the dependencies failed, and at least one dependency was run.",
        [task("a", "say"), condition("if", "1", "EQUAL_TO", "2"), task("out", "say", [("if", "true")]),
         task("c", "say", ["a", "out"], run_if="NONE_FAILED")], {"a": OK, "if": OK, "out": OUT, "c": OK}),
    "all done": Case(
        "1", "All done: The task is run after all its dependencies have run, regardless of the status of the dependent runs.",
        [task("b", "fail"), task("c", "say", ["b"], run_if="ALL_DONE")], {"b": BAD, "c": OK}, "SUCCESS_WITH_FAILURES"),
    "at least one failed": Case(
        "1", "At least one failed: At least one dependency failed.",
        [task("a", "say"), task("b", "fail"), task("c", "say", ["a", "b"], run_if="AT_LEAST_ONE_FAILED")],
        {"a": OK, "b": BAD, "c": OK}, "SUCCESS_WITH_FAILURES"),
    "at least one failed, and none did": Case(
        "1", "The task is marked as Excluded if the condition is not met.",
        [task("a", "say"), task("c", "say", ["a"], run_if="AT_LEAST_ONE_FAILED")], {"a": OK, "c": OUT}),
    "all failed": Case(
        "1", "All failed: All dependencies have failed.",
        [task("b", "fail"), task("c", "say", ["b"], run_if="ALL_FAILED")], {"b": BAD, "c": OK}, "SUCCESS_WITH_FAILURES"),
    "upstream failed goes on downwards": Case(
        "1", "The task is marked as Upstream failed if the condition is not met.",
        [task("a", "fail"), task("b", "say", ["a"]), task("c", "say", ["b"])], {"a": BAD, "b": UP, "c": UP}, BAD),
    "excluded goes on downwards": Case(
        "1", "If all task dependencies are excluded, the task is also excluded, regardless of its Run if condition.",
        [condition("if", "1", "EQUAL_TO", "2"), task("b", "say", [("if", "true")]),
         task("c", "say", ["b"], run_if="ALL_DONE")], {"if": OK, "b": OUT, "c": OUT}),
    "an excluded task is treated as successful": Case(
        "1", "Excluded tasks are skipped and are treated as successful.",
        [task("a", "say"), condition("if", "1", "EQUAL_TO", "2"), task("out", "say", [("if", "true")]),
         task("c", "say", ["a", "out"])], {"a": OK, "if": OK, "out": OUT, "c": OK}),
    "a disabled task": Case(
        "8", "DISABLED: The run was skipped because it was disabled explicitly by the user.",
        [task("a", "say", disabled=True), task("b", "say")], {"a": "DISABLED", "b": OK}),
    "what follows a disabled task": Case(
        "9", "If a downstream task's Run if condition can't be met because one or more parent tasks are disabled, Lakeflow Jobs also marks the downstream task as disabled for that run.",
        [task("a", "say", disabled=True), task("b", "say", ["a"]), task("c", "say", ["a"], run_if="ALL_DONE")],
        {"a": "DISABLED", "b": "DISABLED", "c": OK}),
    # If/else
    "== compares strings": Case(
        "2", "The == and != operators perform string comparison of their operands. For example, 12.0 == 12 evaluates to false.",
        [condition("if", "12.0", "EQUAL_TO", "12"), task("no", "say", [("if", "false")]), task("yes", "say", [("if", "true")])],
        {"if": OK, "no": OK, "yes": OUT}),
    ">= compares numbers": Case(
        "2", "The >, >=, and <= operators perform numeric comparisons of their operands. For example, 12.0 >= 12 evaluates to true",
        [condition("if", "12.0", "GREATER_THAN_OR_EQUAL", "12"), task("yes", "say", [("if", "true")])], {"if": OK, "yes": OK}),
    "a numeric operator refuses words": Case(
        "8", "GREATER_THAN, GREATER_THAN_OR_EQUAL, LESS_THAN, LESS_THAN_OR_EQUAL operators perform numeric comparison of their operands.",
        [condition("if", "many", "LESS_THAN", "12")], {"if": BAD}, BAD, reason("if", "compares numbers; found 'many' and '12'")),
    "a condition on a task value": Case(
        "2", "add dependent tasks based on the results of the condition",
        [task("a", "value", named={"n": "7"}), condition("if", "{{tasks.a.values.n}}", "GREATER_THAN", "6.5", ["a"]),
         task("yes", "say", [("if", "true")])], {"a": OK, "if": OK, "yes": OK}),
    "a boolean task value is compared as text": Case(
        "2", 'if a task value is set to a boolean value, it is serialized to "true" or "false".',
        [task("a", "json_value", named={"v": "true"}), condition("if", "{{tasks.a.values.v}}", "EQUAL_TO", "true", ["a"]),
         task("yes", "say", [("if", "true")])], {"a": OK, "if": OK, "yes": OK}),
    "a list is no operand": Case(
        "2", "Only numeric, string, and boolean values are allowed when referencing task values in an operand. Any other types will cause the condition expression to fail.",
        [task("a", "json_value", named={"v": "[1]"}), condition("if", "{{tasks.a.values.v}}", "EQUAL_TO", "[1]", ["a"])],
        {"a": OK, "if": BAD}, BAD, reason("if", "value 'v' of task 'a' is [1]; an operand is a number, a string, true or false")),
    # For each
    "for each over a JSON array": Case(
        "3", "In the Inputs text box, define the values for the For each task to iterate on as a JSON formatted array of values.",
        [for_each("each", '["a", "b", 3]', task("one", "say", named=SAY))], {"each": OK},
        more=lambda bench, run: [bench.arguments(run, f"each.{n}")["x"] for n in (1, 2, 3)] == ["a", "b", "3"]),
    "for each over objects": Case(
        "3", "{{input.<key>}} to reference individual object fields when you iterate over a list of objects.",
        [for_each("each", '[{"k": 1, "in": {"v": "deep"}}]', task("one", "say", named={"x": "{{input.k}}/{{input.in.v}}"}))],
        {"each": OK}, more=said("each.1", "x", "1/deep")),
    "for each over a task value": Case(
        "3", "Use task values passed from a preceding task.",
        [task("a", "value", named={"all": '["p","q"]'}),
         for_each("each", "{{tasks.a.values.all}}", task("one", "say", named=SAY), ["a"])],
        {"a": OK, "each": OK}, more=said("each.2", "x", "q")),
    "for each over a job parameter": Case(
        "3", "Use job parameters.",
        [for_each("each", "{{job.parameters.all}}", task("one", "say", named=SAY))], {"each": OK},
        more=said("each.2", "x", "2"), fields={"parameter": [{"name": "all", "default": "[1, 2]"}]}),
    "an empty array": Case(
        "6", "The For each task iterates over this array to run conditionalized logic on the configured task.", [for_each("each", "[]", task("one", "say"))], {"each": OK}),
    "a failing iteration fails the task, not the others": Case(
        "3", "Use the For each task to run a nested task in a loop, passing a different set of parameters to each iteration.",
        [for_each("each", '["fine", "bad", "fine"]', task("one", "picky", named=SAY)), task("next", "say", ["each"])],
        {"each": BAD, "next": UP}, BAD,
        lambda bench, run: reason("each", "1 of 3 iterations failed; iteration 2: ValueError: bad input")(bench, run)
        and [one.result for one in bench.iterations(run, "each")] == [OK, BAD, OK]),
    "iterations have retries of their own": Case(
        "3", "Nested tasks are standard task types and have the same configuration options.",
        [for_each("each", '["x"]', task("one", "flaky", named={"count": "{{job.parameters.count}}", "good_at": "3"}, max_retries=2))],
        {"each": OK}, more=lambda bench, run: len(bench.iterations(run, "each")[0].attempts) == 3,
        fields={"parameter": [{"name": "count", "default": "none"}]}, given={"count": "{folder}/count"}),
    "too long an array": Case(
        "4", "Parameter arrays are limited to 10,000 characters, or 48 KB if you use task value references to pass them.",
        [for_each("each", json.dumps(["x" * 100] * 100), task("one", "say"))], {"each": BAD}, BAD,
        reason("each", "inputs take 10400 characters; at most 10000")),
    "no array": Case(
        "3", "define the values for the For each task to iterate on as a JSON formatted array of values",
        [for_each("each", '{"a": 1}', task("one", "say"))], {"each": BAD}, BAD, reason("each", "valid: a JSON array, or a reference")),
    # Values and parameters
    "job parameters are pushed down": Case(
        "6", "Job parameters are automatically pushed down to tasks that support key-value parameters.",
        [task("a", "say", named={"own": "1"})], {"a": OK}, more=said("a", "sample", "0.5"),
        fields={"parameter": [{"name": "sample", "default": "0.5"}]}),
    "a job parameter overrides a task's": Case(
        "6", "If a job parameter and a task parameter have the same key, the job parameter overrides the task parameter.",
        [task("a", "say", named={"sample": "of the task"})], {"a": OK}, more=said("a", "sample", "of the job"),
        fields={"parameter": [{"name": "sample", "default": "of the job"}]}),
    "positional parameters get none": Case(
        "6", "Job parameters are not pushed down to task that use JSON arrays.",
        [{**task("a", "argv"), "python_wheel_task": [{"package_name": "tiny", "entry_point": "argv", "parameters": ["p"]}]}],
        {"a": OK}, more=lambda bench, run: bench.said(run, "a") == '["p"]',
        fields={"parameter": [{"name": "sample", "default": "1"}]}),
    "a run's parameters are over the defaults": Case(
        "8", 'job_parameters: Job-level parameters used in the run. for example "param": "overriding_val"',
        [task("a", "say", named={"own": "{{job.parameters.sample}}"})], {"a": OK}, more=said("a", "own", "2"),
        fields={"parameter": [{"name": "sample", "default": "1"}]}, given={"sample": "2"}),
    "a parameter may refer to the job": Case(
        "5", '"name": "my_job_name", "default": "{{job.name}}"',
        [task("a", "say", named={"own": "{{job.parameters.who}}"})], {"a": OK}, more=said("a", "own", "it is case"),
        fields={"parameter": [{"name": "who", "default": "it is {{job.name}}"}]}),
    "special characters in backticks": Case(
        "5", "Escape keys that contain special characters by surrounding the identifier with backticks.",
        [task("a", "say", named={"own": "{{job.parameters.`p$.1`}}"})], {"a": OK}, more=said("a", "own", "v"),
        fields={"parameter": [{"name": "p$.1", "default": "v"}]}),
    "contents of braces are no expressions": Case(
        "5", "Contents of the double curly braces are not evaluated as expressions.",
        [task("a", "say", named={"own": "{{1 + 1}}"})], {"a": BAD}, BAD, reason("a", "stands for nothing; valid: job.id")),
    "a wrong name in a known namespace": Case(
        "5", "An error message is displayed if you provide an invalid reference belonging to a known namespace, for example, {{job.notebook_url}}.",
        [task("a", "say", named={"own": "{{job.notebook_url}}"})], {"a": BAD}, BAD,
        reason("a", "reference '{{job.notebook_url}}' stands for nothing; valid: job.id, job.name")),
    "a missing brace is text": Case(
        "5", "Syntax errors, including [...] missing braces, are silently ignored and are treated as literal strings.",
        [task("a", "say", named={"own": "{{job.id}"})], {"a": OK}, more=said("a", "own", "{{job.id}")),
    # Retries and limits
    "retries": Case(
        "8", "max_retries: An optional maximum number of times to retry an unsuccessful run.",
        [task("a", "fail", max_retries=2)], {"a": BAD}, BAD, lambda bench, run: run.tasks["a"].attempts == 3),
    "no retry on timeout by default": Case(
        "8", "retry_on_timeout: The default behavior is to not retry on timeout.",
        [task("a", "sleep", timeout_seconds=1, max_retries=1)], {"a": "TIMEDOUT"}, BAD,
        lambda bench, run: run.tasks["a"].attempts == 1),
    "retry on timeout": Case(
        "8", "retry_on_timeout: An optional policy to specify whether to retry a task when it times out.",
        [task("a", "sleep", timeout_seconds=1, max_retries=1, retry_on_timeout=True)], {"a": "TIMEDOUT"}, BAD,
        lambda bench, run: run.tasks["a"].attempts == 2),
    "a limit of a for each is one of all its iterations": Case(
        "8", "timeout_seconds: An optional timeout applied to each run of this job task.",
        [{**for_each("each", "[1, 2, 3]", task("one", "sleep")), "timeout_seconds": 1}], {"each": "TIMEDOUT"}, BAD,
        lambda bench, run: [one.result for one in bench.iterations(run, "each")] == ["TIMEDOUT"] * 3
        and len(bench.iterations(run, "each")[2].attempts) == 0),
    "a job's limit": Case(
        "8", "TIMEDOUT: The run was stopped after reaching the timeout.",
        [task("a", "sleep")], {"a": "TIMEDOUT"}, "TIMEDOUT", fields={"timeout_seconds": 1}),
}  # fmt: skip


@pytest.mark.clause("P2", "C3")
@pytest.mark.parametrize("name", CASES)
def test_the_runner_does_what_the_documentation_says(bench: Bench, name: str):
    case = CASES[name]
    bench.deploy("case", case.tasks, **(case.fields or {}))
    given = {key: value.replace("{folder}", str(bench.folder)) for key, value in (case.given or {}).items()}
    run = bench.run("case", **given)
    assert bench.results(run) == case.results, f"[{case.source}] {case.sentence}\n{run.reason}"
    assert run.result == case.result, f"[{case.source}] {case.sentence}\n{run.reason}"
    assert case.more(bench, run), f"[{case.source}] {case.sentence}"


REFERENCES = {
    # "Supported value references" of [5]; what they stand for in this job.
    "{{job.id}}": lambda bench, run: bench.id,
    "{{job.name}}": lambda bench, run: "case",
    "{{job.run_id}}": lambda bench, run: str(run.run_id),
    "{{job.repair_count}}": lambda bench, run: "0",
    "{{job.start_time.iso_date}}": lambda bench, run: bench.began(run, "%Y-%m-%d"),
    "{{job.start_time.iso_datetime}}": lambda bench, run: bench.began(run, "%Y-%m-%dT%H:%M:%S"),
    "{{job.start_time.year}}": lambda bench, run: bench.began(run, "%Y"),
    "{{job.start_time.timestamp_ms}}": lambda bench, run: str(int(bench.runs.run(run.run_id).started * 1000)),
    "{{job.parameters.p}}": lambda bench, run: "v",
    "{{job.trigger.type}}": lambda bench, run: "onetime",
    "{{task.name}}": lambda bench, run: "b",
    "{{task.run_id}}": lambda bench, run: str(bench.runs.task(run.run_id, "b").task_run_id),
    "{{task.execution_count}}": lambda bench, run: "1",
    "{{tasks.a.run_id}}": lambda bench, run: str(bench.runs.task(run.run_id, "a").task_run_id),
    "{{tasks.a.result_state}}": lambda bench, run: "success",
    "{{tasks.a.execution_count}}": lambda bench, run: "1",
    "{{tasks.a.values.k}}": lambda bench, run: "kept",
}


def test_every_documented_reference_stands_for_its_value(bench: Bench):
    named = {f"r{number}": reference for number, reference in enumerate(REFERENCES)}
    bench.deploy(
        "case",
        [task("a", "value", named={"k": "kept"}), task("b", "say", ["a"], named=named)],
        parameter=[{"name": "p", "default": "v"}],
    )
    run = bench.run("case")
    found = bench.arguments(run, "b")
    for number, (reference, expected) in enumerate(REFERENCES.items()):
        assert found[f"r{number}"] == expected(bench, run), reference
