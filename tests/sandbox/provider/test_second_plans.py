"""Small configurations for which it is recorded what the real provider's second plan wants to change."""

from __future__ import annotations

import json
from typing import Any

from provider_project import Project

# what the recording service gave back without a question, and a workspace refuses: our own rules stand there
SERVICE_REFUSES = {"job, unknown environment_key", "experiment, relative name"}
MODELLED = {
    "databricks_job",
    "databricks_permissions",
    "databricks_grants",
    "databricks_cluster_policy",
    "databricks_mlflow_experiment",
}


def numbered(value: Any, names: dict[str, str], number: int) -> Any:
    """A case as part of one large configuration: references, names and securables get the case's number."""
    if isinstance(value, list):
        return [numbered(item, names, number) for item in value]
    if isinstance(value, dict):
        return {key: numbered(item, names, number) for key, item in value.items()}
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(f"${{{old}.", f"${{{new}.")
    return value


def joined(cases: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """All cases as one configuration, and what the real provider's second plan does: address -> action."""
    resources: dict[str, Any] = {}
    expected: dict[str, str] = {}
    for number, case in enumerate(cases):
        names = {
            f"{type_name}.{name}": f"{type_name}.{name}{number}"
            for type_name, named in case["configuration"].items()
            for name in named
        }
        for type_name, named in case["configuration"].items():
            for name, body in named.items():
                body = numbered(body, names, number)
                if "catalog" in body:
                    # a securable that the sandbox does not keep, so that any number can be granted on
                    body["table"] = body.pop("catalog")
                if type_name in ("databricks_cluster_policy", "databricks_mlflow_experiment"):
                    body["name"] += str(number)
                resources.setdefault(type_name, {})[f"{name}{number}"] = body
        for change in case.get("changes", []):
            expected[names[change["address"]]] = change["actions"][0]
    return resources, expected


def test_the_second_plan_is_the_real_providers(tmp_path, facts):
    recorded = json.loads((facts / "databricks-1.99.0-second-plan.json").read_text())["cases"]
    cases = [
        case
        for case in recorded
        if "second_plan" in case and set(case["configuration"]) <= MODELLED and case["case"] not in SERVICE_REFUSES
    ]
    assert len(cases) > 30
    resources, expected = joined(cases)
    assert len(expected) == 3
    project = Project(tmp_path)
    project.apply(resources)
    assert project.plan() == expected
