"""What only the account knows: `infra/inputs.json`, placeholders in the repository, checked when read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from infra.roles import Principal
from infra.stages import StageName
from workflows.errors import DeclarationError

# Not proved here: authentication, Entra groups, application ids of service principals. Why: no directory is
# reachable; `infra/inputs.json` holds placeholders. On Azure: fill `infra/inputs.json`; the plan fails at the first
# principal that does not exist.
FILE = Path(__file__).with_name("inputs.json")
LABEL = "infra/inputs.json"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """account_id, subscription_id: UUIDs. application_ids: a UUID for each service principal of each stage."""

    account_id: str
    subscription_id: str
    alert_address: str
    application_ids: Mapping[StageName, Mapping[Principal, str]]


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
        raise wrong(owner, field, value, "a UUID in lower case, such as 00000000-0000-4000-8000-000000000000")
    return value


def parse(text: str) -> Inputs:
    """The inputs in `text`; an error names the file, the field, the value and the valid ones."""
    try:
        read = json.loads(text)
    except json.JSONDecodeError as error:
        raise wrong("inputs", f"line {error.lineno}", error.msg, "JSON") from error
    top = checked_keys("inputs", "", read, ["account_id", "alert_address", "stages", "subscription_id"])
    if not isinstance(top["alert_address"], str) or not ADDRESS.fullmatch(top["alert_address"]):
        raise wrong("inputs", "alert_address", top["alert_address"], "an e-mail address")
    stages = checked_keys("inputs", "stages", top["stages"], [name.value for name in StageName])
    seen: dict[str, str] = {}
    ids: dict[StageName, Mapping[Principal, str]] = {}
    for name in StageName:
        part = checked_keys(name.value, "", stages[name], ["service_principals"])["service_principals"]
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
        application_ids=MappingProxyType(ids),
    )


def load() -> Inputs:
    """The inputs of the repository."""
    return parse(FILE.read_text(encoding="utf-8"))
