"""All rules, and holding stacks against them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.lint import access, jobs, objects
from infra.lint.rule import Found, Rule, Stack
from workflows.errors import DeclarationError

PROVIDER = "github.com/databricks/terraform-provider-databricks/issues"
CLI = "github.com/databricks/cli/issues"
RULES = (
    Rule("J1", "Tasks and dependencies stand in the order of their keys.", f"{PROVIDER}/3126", jobs.in_key_order),
    Rule("J2", "Recipients of notifications stand in order, each once.", f"{CLI}/6060", jobs.recipients_in_order),
    Rule("J3", "No change of a job is ignored.", f"{PROVIDER}/3871", jobs.nothing_ignored),
    Rule("J4", "A cluster restates what its policy supplies.", f"{PROVIDER}/3658", jobs.policy_restated),
    Rule("J5", "A job runs as a service principal.", f"{PROVIDER}/4450", jobs.runs_as_a_service_principal),
    Rule("J6", "Code comes from a volume, not from a repository.", f"{PROVIDER}/2707", jobs.code_from_a_volume),
    Rule("A1", "A thing has one authoritative resource.", f"{PROVIDER}/2704", access.one_resource_a_thing),
    Rule("A2", "A principal has one entry.", f"{PROVIDER}/3024", access.principals_once),
    Rule("A3", "Entries stand in one order.", f"{PROVIDER}/3126", access.in_principal_order),
    Rule("A4", "Privileges are spelled out.", f"{CLI}/6030", access.privileges_spelled_out),
    Rule("A5", "A privilege exists for its securable.", f"{PROVIDER}/1658", access.privileges_fit),
    Rule("A6", "A job's owner is stated.", f"{PROVIDER}/3730", access.owners_stated),
    Rule("A7", "A principal stands under its own field, in lower case.", f"{PROVIDER}/5757",
         access.principals_by_their_field),
    Rule("O1", "No kind is used that drops data or is given up.", f"{PROVIDER}/3001", objects.no_deprecated_kind),
    Rule("O2", "A model's alias is set by its promotion.", f"{CLI}/4012", objects.aliases_by_promotion),
    Rule("O3", "An experiment lies in a declared folder.", f"{PROVIDER}/4601", objects.experiments_have_a_folder),
    Rule("O4", "The version behind an endpoint is its promotion's.", f"{PROVIDER}/4064", objects.versions_by_promotion),
    Rule("O5", "A workspace and what is in it are two stacks.", f"{PROVIDER}/127", objects.layers_apart),
)  # fmt: skip


def findings(document: Mapping[str, Any], name: str, rules: Iterable[Rule] = RULES) -> list[tuple[Rule, Found]]:
    """What the rules find in a synthesized stack."""
    stack = Stack(name, document.get("resource", {}))
    return [(rule, found) for rule in rules for found in rule.check(stack)]


def refuse(document: Mapping[str, Any], name: str) -> None:
    """Raise for the first thing that a rule finds."""
    for rule, found in findings(document, name):
        raise DeclarationError(
            found.address, found.field, found.value, found.valid,
            f"stack {name}; rule {rule.id}: {rule.sentence} {rule.thread}",
        )  # fmt: skip
