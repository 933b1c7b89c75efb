"""Whether a task runs: `run_if` over its dependencies, and the comparison of a condition task.

Sentences of the Databricks documentation ("Configure task dependencies") stand beside the code that holds them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from sandbox.errors import SandboxError

_EXACT: dict[str, Callable[[str, str], bool]] = {"EQUAL_TO": operator.eq, "NOT_EQUAL": operator.ne}
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}
OPERATORS = (*_EXACT, *_NUMERIC)


class Upstream(Enum):
    """How one dependency ended. ``OTHER_BRANCH``: a condition that took the other branch."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXCLUDED = "excluded"
    OTHER_BRANCH = "other branch"
    DISABLED = "disabled"


def upstream(result: str | None, outcome: str | None, wanted: str | None) -> Upstream:
    """How a dependency with this result and outcome counts for a task that wants ``wanted`` of it."""
    if result == "DISABLED":
        return Upstream.DISABLED
    if result == "EXCLUDED":
        return Upstream.EXCLUDED
    if result not in ("SUCCESS", "SUCCESS_WITH_FAILURES"):
        return Upstream.FAILED
    return Upstream.SUCCEEDED if wanted in (None, outcome) else Upstream.OTHER_BRANCH


def verdict(run_if: str, ended: Sequence[Upstream]) -> str | None:
    """None when the task runs, else its result: EXCLUDED, DISABLED or UPSTREAM_FAILED."""
    if not ended:
        return None
    if Upstream.DISABLED in ended:
        return _beside_disabled(run_if, [one for one in ended if one is not Upstream.DISABLED])
    skipped = (Upstream.EXCLUDED, Upstream.OTHER_BRANCH)
    # "If all task dependencies are excluded, the task is also excluded, regardless of its Run if condition."
    if all(one in skipped for one in ended):
        return "EXCLUDED"
    failed = [one is Upstream.FAILED for one in ended]
    # "Excluded tasks are skipped and are treated as successful."
    good = [one in (Upstream.SUCCEEDED, Upstream.EXCLUDED) for one in ended]
    met = {
        "ALL_SUCCESS": all(good),
        "AT_LEAST_ONE_SUCCESS": any(good),
        "NONE_FAILED": not any(failed),
        "ALL_DONE": True,
        "AT_LEAST_ONE_FAILED": any(failed),
        "ALL_FAILED": all(failed),
    }[run_if]
    if met:
        return None
    # "Tasks configured to handle failures are marked as Excluded if their Run if condition is not met."
    if run_if in ("AT_LEAST_ONE_FAILED", "ALL_FAILED"):
        return "EXCLUDED"
    return "UPSTREAM_FAILED" if any(failed) else "EXCLUDED"


def _beside_disabled(run_if: str, others: Sequence[Upstream]) -> str | None:
    """The verdict when a dependency is disabled ("Disabled tasks in Lakeflow Jobs"); others: those that are not.

    "If a downstream task's Run if condition can't be met because one or more parent tasks are disabled, Lakeflow Jobs
    also marks the downstream task as disabled for that run."
    """
    if run_if == "ALL_DONE":
        return None
    if not others:
        return "DISABLED"
    # Its table has: A disabled, C skipped, B with "None failed" runs.
    if run_if == "NONE_FAILED" and Upstream.FAILED not in others:
        return None
    # "A disabled parent task does not satisfy the succeeded requirement." Nor does it count as failed.
    return verdict(run_if, others) or ("DISABLED" if run_if in ("ALL_SUCCESS", "ALL_FAILED") else None)


def compare(op: str, left: str, right: str) -> bool:
    """A condition task's comparison; ``SandboxError`` when the operands do not fit the operator.

    "The == and != operators perform string comparison of their operands. [...] The >, >=, and <= operators perform
    numeric comparisons of their operands."
    """
    if op in _EXACT:
        return _EXACT[op](left, right)
    if op not in _NUMERIC:
        raise SandboxError(f"op = '{op}' is not valid; valid: {', '.join(OPERATORS)}")
    try:
        return _NUMERIC[op](float(left), float(right))
    except ValueError:
        raise SandboxError(f"op = '{op}' compares numbers; found '{left}' and '{right}'") from None


def job_result(results: Mapping[str, str | None], leaves: Sequence[str]) -> str:
    """A run's result from its tasks' results.

    "Succeeded: All tasks were successful. Succeeded with failures: Some tasks failed, but all leaf tasks were
    successful. Failed: One or more leaf tasks failed."
    """
    if any(upstream(results[leaf], None, None) is Upstream.FAILED for leaf in leaves):
        return "FAILED"
    failed = any(upstream(result, None, None) is Upstream.FAILED for result in results.values())
    return "SUCCESS_WITH_FAILURES" if failed else "SUCCESS"
