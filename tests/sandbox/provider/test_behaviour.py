"""Our table of facts against what was read off the real provider by program."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.provider.behaviour import BEHAVIOURS, PERMISSION_LEVELS
from sandbox.provider.facts import PLUGIN_FRAMEWORK, SENSITIVE
from sandbox.provider.registry import KINDS
from sandbox.provider.rules import Behaviour


@pytest.fixture
def real(facts) -> dict[str, Any]:
    return json.loads((facts / "databricks-1.99.0-behaviour.json").read_text())


def refers(paths: list[str]) -> frozenset[str]:
    """``run_as.0.user_name`` -> ``run_as.user_name``."""
    return frozenset(path.replace(".0.", ".") for path in paths)


def test_every_modelled_type_has_its_facts():
    assert KINDS.keys() == BEHAVIOURS.keys()


@pytest.mark.parametrize("type_name", BEHAVIOURS)
def test_the_table_agrees_with_the_real_provider(type_name, real):
    if type_name in PLUGIN_FRAMEWORK:
        # of these only what replaces was read off; their other facts are in the schema
        assert BEHAVIOURS[type_name] == Behaviour(
            force_new=frozenset(real["plugin_framework_force_new"].get(type_name, ()))
        )
        return
    ours, theirs = BEHAVIOURS[type_name], real["resources"][type_name]["attributes"]

    def having(fact: str) -> dict[str, Any]:
        return {path: attribute[fact] for path, attribute in theirs.items() if fact in attribute}

    assert ours.force_new == having("force_new").keys()
    assert ours.defaults == having("default")
    assert ours.lowered == having("stored_changed").keys()
    assert ours.hidden.keys() == having("suppresses_differences").keys()
    assert ours.conflicts == {path: refers(others) for path, others in having("conflicts_with").items()}
    assert set(ours.exactly_one) == {refers(group) for group in having("exactly_one_of").values()}
    assert set(ours.at_least_one) == {refers(group) for group in having("at_least_one_of").values()}
    assert ours.required_with == {path: refers(others) for path, others in having("required_with").items()}
    assert set(SENSITIVE.get(type_name, ())) == having("sensitive").keys()


def test_the_levels_of_every_object_agree(real):
    for argument, kinds in real["permission_levels"].items():
        accepted = {level for levels in kinds.values() for level in levels}
        assert set(PERMISSION_LEVELS[argument][1]) == accepted, argument
    assert PERMISSION_LEVELS.keys() == real["permission_levels"].keys()


def test_what_is_not_on_the_plugin_framework_is_on_the_older_sdk(real, facts):
    schemas = json.loads((facts / "databricks-1.99.0.json").read_text())["resource_schemas"]
    assert schemas.keys() - real["resources"].keys() == PLUGIN_FRAMEWORK
