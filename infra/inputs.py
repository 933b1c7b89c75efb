"""What only the account knows: `infra/inputs.json`, placeholders in the repository, checked when read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import IPv4Network
from pathlib import Path
from types import MappingProxyType
from typing import Any

from infra.roles import BY_DATASET, Principal, Role
from infra.stages import StageName
from workflows.errors import DeclarationError

# Not proved here: authentication, Entra groups, application ids of service principals. Why: no directory is
# reachable; `infra/inputs.json` holds placeholders. On Azure: fill `infra/inputs.json`; the plan fails at the first
# principal that does not exist.
FILE = Path(__file__).with_name("inputs.json")
LABEL = "infra/inputs.json"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
UUID_WORDS = "a UUID in lower case, such as 00000000-0000-4000-8000-000000000000"
# Field of `azure` -> (what it looks like, that in words).
AZURE_FIELDS: Mapping[str, tuple[re.Pattern[str], str]] = MappingProxyType({
    "budget_from": (re.compile(r"20\d\d-(0[1-9]|1[0-2])"), "a month, such as 2026-12; it must not be over yet"),
    "ci_issuer": (re.compile(r"https://[a-z0-9.-]+(/[^\s?#]*)?"), "an https address"),
    "cost_center": (re.compile(r"[A-Za-z0-9._-]{1,64}"), "1 to 64 letters, digits or ._-"),
    "databricks_object_id": (UUID, UUID_WORDS),
    "location": (re.compile(r"[a-z]+[0-9]?"), "an Azure region, such as eastus2"),
    "name_suffix": (re.compile(r"[a-z0-9]{1,6}"), "1 to 6 lower-case letters or digits"),
    "owner": (ADDRESS, "an e-mail address"),
    "tenant_id": (UUID, UUID_WORDS),
})  # fmt: skip
TOP = ("account_id", "alert_address", "azure", "groups", "metastore_id", "stages", "subscription_id")
SUBJECT = re.compile(r"[A-Za-z0-9:/._@=-]+")


@dataclass(frozen=True, kw_only=True)
class AzureInputs:
    """What the Azure layer takes, the same in each stage.

    budget_from: first month of the budgets. ci_issuer: who issues the pipelines' tokens. cost_center, owner: tags.
    databricks_object_id: of the application AzureDatabricks in the tenant's directory, which reads the vaults.
    location: the region. name_suffix: makes names that the whole world shares our own. tenant_id: the directory.
    """

    budget_from: str
    ci_issuer: str
    cost_center: str
    databricks_object_id: str
    location: str
    name_suffix: str
    owner: str
    tenant_id: str


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """account_id, metastore_id, subscription_id: UUIDs. application_ids: of each service principal of each stage.

    ci_subjects: the one subject whose token a stage's pipelines come with. groups: the account's number of each group.
    live: the models of a stage whose tables are there, with the version that was champion when they went live.
    networks: the addresses of a stage. workspace_ids: the number that Azure gave a stage's workspace.
    """

    account_id: str
    subscription_id: str
    alert_address: str
    azure: AzureInputs
    application_ids: Mapping[StageName, Mapping[Principal, str]]
    ci_subjects: Mapping[StageName, str]
    groups: Mapping[str, int]
    live: Mapping[StageName, Mapping[str, int]]
    metastore_id: str
    networks: Mapping[StageName, IPv4Network]
    workspace_ids: Mapping[StageName, int]


def wrong(owner: str, field: str, value: object, valid: str | list[str]) -> DeclarationError:
    """The error for one value of the file."""
    return DeclarationError(owner, field, value, valid, LABEL)


def checked_keys(owner: str, field: str, value: Any, keys: list[str]) -> dict[str, Any]:
    """`value` if it is an object with exactly `keys`."""
    if not isinstance(value, dict):
        raise wrong(owner, field, value, f"an object with {', '.join(keys)}")
    for key in keys:
        if key not in value:
            raise wrong(owner, f"{field}.{key}" if field else key, None, "a value; it is missing")
    for key in value:
        if key not in keys:
            raise wrong(owner, field or "key", key, keys)
    return value


def checked_uuid(owner: str, field: str, value: Any) -> str:
    """`value` if it is a UUID in lower case."""
    if not isinstance(value, str) or not UUID.fullmatch(value):
        raise wrong(owner, field, value, UUID_WORDS)
    return value


def checked_azure(value: Any) -> AzureInputs:
    """The part `azure` of the file."""
    read = checked_keys("inputs", "azure", value, [field.name for field in fields(AzureInputs)])
    for field, (pattern, valid) in AZURE_FIELDS.items():
        if not isinstance(read[field], str) or not pattern.fullmatch(read[field]):
            raise wrong("inputs", f"azure.{field}", read[field], valid)
    return AzureInputs(**read)


def checked_network(owner: str, value: Any, others: Mapping[StageName, IPv4Network]) -> IPv4Network:
    """`value` as a network that Databricks takes and that is none of the other stages'."""
    valid = "a private IPv4 network from /16 to /24, such as 10.110.0.0/20"
    try:
        network = IPv4Network(value if isinstance(value, str) else "")
    except ValueError as error:
        raise wrong(owner, "network", value, valid) from error
    if not network.is_private or not 16 <= network.prefixlen <= 24:
        raise wrong(owner, "network", value, valid)
    for name, other in others.items():
        if network.overlaps(other):
            raise wrong(owner, "network", value, f"a network of its own; {name} has {other}")
    return network


def checked_subject(owner: str, value: Any, others: Mapping[StageName, str]) -> str:
    """`value` as the subject of one stage's pipelines: exact, and none of another's."""
    if not isinstance(value, str) or not SUBJECT.fullmatch(value):
        raise wrong(owner, "ci_subject", value, "one subject, such as repo:cdh/cdh-mlops:environment:dev")
    for name, other in others.items():
        if value == other:
            raise wrong(owner, "ci_subject", value, f"a subject of its own; {name} has it")
    return value


def checked_live(owner: str, value: Any) -> Mapping[str, int]:
    """`value` as model -> version; whether such a model is declared only the stack knows."""
    if not isinstance(value, dict):
        raise wrong(owner, "live", value, "an object: model -> its champion's version; {} before the first promotion")
    for model, version in value.items():
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise wrong(owner, f"live.{model}", version, "the champion's version, a whole number from 1")
    return MappingProxyType(dict(sorted(value.items())))


def checked_number(owner: str, field: str, value: Any, taken: dict[int, str]) -> int:
    """`value` if it is a number that Databricks may have given, and to nothing else of the kind."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise wrong(owner, field, value, "a whole number from 1, without quotes")
    if value in taken:
        raise wrong(owner, field, value, f"a number of its own; {taken[value]} has it")
    taken[value] = field if owner == "inputs" else owner
    return value


def checked_groups(value: Any) -> dict[str, int]:
    """The numbers of the groups: of every role, and of the datasets' groups that there are."""
    roles = [role.value for role in Role]
    if not isinstance(value, dict):
        raise wrong("inputs", "groups", value, f"an object with {', '.join(roles)}")
    for role in roles:
        if role not in value:
            raise wrong("inputs", f"groups.{role}", None, "a value; it is missing")
    datasets = tuple(f"{role}-" for role in sorted(BY_DATASET))
    taken: dict[int, str] = {}
    for name, number in value.items():
        if name not in roles and not name.startswith(datasets):
            raise wrong("inputs", "groups", name, [*roles, *(f"{start}<source>" for start in datasets)])
        checked_number("inputs", f"groups.{name}", number, taken)
    return dict(sorted(value.items()))


def parse(text: str) -> Inputs:
    """The inputs in `text`; an error names the file, the field, the value and the valid ones."""
    try:
        read = json.loads(text)
    except json.JSONDecodeError as error:
        raise wrong("inputs", f"line {error.lineno}", error.msg, "JSON") from error
    top = checked_keys("inputs", "", read, list(TOP))
    if not isinstance(top["alert_address"], str) or not ADDRESS.fullmatch(top["alert_address"]):
        raise wrong("inputs", "alert_address", top["alert_address"], "an e-mail address")
    stages = checked_keys("inputs", "stages", top["stages"], [name.value for name in StageName])
    seen: dict[str, str] = {}
    ids: dict[StageName, Mapping[Principal, str]] = {}
    subjects: dict[StageName, str] = {}
    networks: dict[StageName, IPv4Network] = {}
    workspaces: dict[StageName, int] = {}
    live: dict[StageName, Mapping[str, int]] = {}
    numbers: dict[int, str] = {}
    for name in StageName:
        stage = checked_keys(
            name.value, "", stages[name], ["ci_subject", "live", "network", "service_principals", "workspace_id"]
        )
        subjects[name] = checked_subject(name.value, stage["ci_subject"], subjects)
        networks[name] = checked_network(name.value, stage["network"], networks)
        live[name] = checked_live(name.value, stage["live"])
        workspaces[name] = checked_number(name.value, "workspace_id", stage["workspace_id"], numbers)
        part = stage["service_principals"]
        part = checked_keys(name.value, "service_principals", part, [one.value for one in Principal])
        for principal, value in part.items():
            where = f"{name}.{principal}"
            checked_uuid(name.value, f"service_principals.{principal}", value)
            if value in seen:
                raise wrong(
                    name.value, f"service_principals.{principal}", value, f"a UUID of its own; {seen[value]} has it"
                )
            seen[value] = where
        ids[name] = MappingProxyType({one: part[one.value] for one in Principal})
    return Inputs(
        account_id=checked_uuid("inputs", "account_id", top["account_id"]),
        subscription_id=checked_uuid("inputs", "subscription_id", top["subscription_id"]),
        alert_address=top["alert_address"],
        azure=checked_azure(top["azure"]),
        application_ids=MappingProxyType(ids),
        ci_subjects=MappingProxyType(subjects),
        groups=MappingProxyType(checked_groups(top["groups"])),
        live=MappingProxyType(live),
        metastore_id=checked_uuid("inputs", "metastore_id", top["metastore_id"]),
        networks=MappingProxyType(networks),
        workspace_ids=MappingProxyType(workspaces),
    )


def load() -> Inputs:
    """The inputs of the repository."""
    return parse(FILE.read_text(encoding="utf-8"))
