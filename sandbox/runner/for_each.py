"""`for_each_task`: runs the nested task once for each input, several at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.errors import SandboxError
from sandbox.runner.attempt import Ended
from sandbox.runner.outcomes import Acted, TaskCall, TaskEnd

if TYPE_CHECKING:
    from sandbox.runner.execution import Execution

# "Parameter arrays are limited to 10,000 characters, or 48 KB if you use task value references to pass them."
LITERAL_CHARACTERS = 10_000
REFERENCE_BYTES = 48 * 1024


def iterate(execution: Execution, call: TaskCall, ends: Mapping[str, TaskEnd]) -> Acted:
    """Run all iterations; those that a repair finds done stay. One failing iteration does not stop the others."""
    nested = call.task.nested
    assert nested is not None
    inputs = read_inputs(call)
    texts = [json.dumps(one, sort_keys=True) for one in inputs]
    todo = execution.ledger.iterations(call.task_run_id, nested.kind, texts, nested.notices.to_json())
    # A repair, too, says how the whole stands.
    done = len(inputs) - len(todo)
    # The limit of the whole is one of each iteration.
    within = replace(execution, deadline=call.deadline, limit_reason=call.limit_reason)

    def over() -> bool:
        return call.deadline is not None and time.monotonic() > call.deadline

    def one(item: tuple[int, int]) -> tuple[int, TaskEnd | None]:
        number, task_run_id = item
        if execution.canceled.is_set() or over():
            return number, None
        key = f"{call.key}.{number}"
        return number, within.attempts(nested, key, task_run_id, ends, execution.act, input=inputs[number - 1])

    # "To optionally set the number of iterations that can run in parallel, enter a Concurrency value for the task.
    # The default value is 1." (The provider's documentation says 20; all of ours say what they want.)
    at_once = int(call.task.action.get("concurrency") or 1)
    with ThreadPoolExecutor(at_once, thread_name_prefix=f"each-{call.key}") as pool:
        results = list(pool.map(one, todo.items()))
    ran = {number: end for number, end in results if end is not None}
    failed = {number: end for number, end in ran.items() if end.result != "SUCCESS"}
    stopped = _stopped(execution, call, over() and len(failed) + len(todo) - len(ran) > 0)
    if stopped:
        execution.ledger.iterations_ended(call.task_run_id, stopped.result, stopped.reason)
        return Acted(stopped)
    if not failed:
        kept = f", {done} of them before" if done else ""
        return Acted(Ended("SUCCESS", f"{len(inputs)} iterations{kept}"))
    first, end = next(iter(failed.items()))
    reason = f"{len(failed)} of {len(inputs)} iterations failed; iteration {first}: {end.reason or end.result}"
    # The nested task has retries of its own.
    return Acted(Ended("FAILED", reason), retriable=False)


def _stopped(execution: Execution, call: TaskCall, timed_out: bool) -> Ended | None:
    """Why the whole ended before all iterations did, if it did."""
    if timed_out:
        return Ended("TIMEDOUT", call.limit_reason)
    return Ended("CANCELED", "the run was canceled") if execution.canceled.is_set() else None


def read_inputs(call: TaskCall) -> list[Any]:
    """The inputs: a JSON array, or a reference to one; ``SandboxError`` for what is none or is too long."""
    written = str(call.task.action["inputs"])
    text = call.context.resolve(written)
    where = f"task '{call.task.key}': inputs"
    if text == written and len(text) > LITERAL_CHARACTERS:
        raise SandboxError(
            f"{where} take {len(text)} characters; at most {LITERAL_CHARACTERS} where no reference is used"
        )
    if len(text.encode()) > REFERENCE_BYTES:
        raise SandboxError(f"{where} take {len(text.encode())} bytes; at most {REFERENCE_BYTES}")
    try:
        inputs = json.loads(text)
    except ValueError:
        inputs = None
    if not isinstance(inputs, list):
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise SandboxError(f"{where} = '{shown}' is not valid; valid: a JSON array, or a reference to one")
    return inputs
