"""Inputs that still have the value of the repository: what each is for, how to get the real one, who needs it.

A placeholder is a value that nobody's account can have, so it is known by its look. The sandbox takes placeholders;
a deployment to Azure that would use one is refused by terraform itself (`refused`), before it plans anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra import layers, names
from infra.inputs import FILE, LABEL
from infra.roles import Principal, Role
from infra.stages import STAGES, StageName

LOOK = re.compile(r"0{8}-0{4}-.*|.*\bexample\b.*|cdh0|0{4}")
# Databricks numbers workspaces and groups with twelve digits and more.
SMALLEST = 1_000


@dataclass(frozen=True, kw_only=True)
class Field:
    """path: dotted, `*` for a stage, a group or a principal. stacks: who uses it, given what `*` stands for."""

    path: str
    purpose: str
    how: str
    stacks: Callable[[list[str]], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Placeholder:
    """One value of the file that is still to be filled in, and the stacks that cannot be deployed until then."""

    path: str
    value: object
    purpose: str
    how: str
    stacks: tuple[str, ...]


def everywhere(_: list[str]) -> tuple[str, ...]:
    """Every stack."""
    return layers.STACKS


def azure_layer(_: list[str]) -> tuple[str, ...]:
    """The Azure layer of each stage."""
    return tuple(layers.AZURE)


def account_only(_: list[str]) -> tuple[str, ...]:
    """The account's stack."""
    return (layers.ACCOUNT,)


def azure_and_account(_: list[str]) -> tuple[str, ...]:
    """The Azure layer of each stage, and the account's."""
    return (*layers.AZURE, layers.ACCOUNT)


def told(_: list[str]) -> tuple[str, ...]:
    """Every stage, as break-glass is told in each, and the Azure layer of each."""
    return (*layers.WORKSPACE, *layers.AZURE)


def group_of(stars: list[str]) -> tuple[str, ...]:
    """The account's; a role's group is told in each stage what it may open."""
    of_role = stars[0] in [role.value for role in Role]
    return (*layers.WORKSPACE, layers.ACCOUNT) if of_role else (layers.ACCOUNT,)


def pipelines_of(stars: list[str]) -> tuple[str, ...]:
    """The Azure layer of the stage, and the account's."""
    return (names.azure_stack(STAGES[StageName(stars[0])]), layers.ACCOUNT)


def workspace_of(stars: list[str]) -> tuple[str, ...]:
    """The stage itself, those that let its workspace read their catalog, and the account's."""
    return (*_reached(stars[0]), layers.ACCOUNT)


def principal_of(stars: list[str]) -> tuple[str, ...]:
    """The stage itself, those whose records it reads when it promotes, and the account's."""
    stage, principal = stars
    found = _reached(stage) if principal == Principal.PROMOTE.value else (stage,)
    return (*found, layers.ACCOUNT)


def _reached(name: str) -> tuple[str, ...]:
    return tuple(stage.name.value for stage in STAGES.values() if name == stage.name or name in stage.read_by)


# fmt: off
FIELDS: tuple[Field, ...] = (
    Field(path="account_id", stacks=account_only, purpose="the Databricks account",
          how="the account console, at the top right"),
    Field(path="alert_address", stacks=told, purpose="the operators' mailbox", how="ask the operators"),
    Field(path="azure.ci_issuer", stacks=azure_and_account, purpose="who issues the pipelines' tokens",
          how="your pipeline's documentation of OpenID Connect"),
    Field(path="azure.cost_center", stacks=azure_and_account, purpose="tag of everything that costs",
          how="ask who pays"),
    Field(path="azure.databricks_object_id", stacks=azure_layer, purpose="the application that reads the vaults",
          how='az ad sp list --display-name AzureDatabricks --query "[].id"'),
    Field(path="azure.name_suffix", stacks=everywhere, purpose="makes names that the whole world shares our own",
          how="1 to 6 letters or digits of your choice"),
    Field(path="azure.owner", stacks=azure_layer, purpose="tag of everything in Azure", how="who answers for it"),
    Field(path="azure.tenant_id", stacks=azure_layer, purpose="the directory", how="az account show --query tenantId"),
    Field(path="groups.*", stacks=group_of, purpose="a group's number in the account",
          how="databricks account groups list -o json > groups.json; mlops inputs groups.json"),
    Field(path="metastore_id", stacks=account_only, purpose="the metastore of the region",
          how="databricks account metastores list -o json > metastores.json; mlops inputs metastores.json"),
    Field(path="stages.*.ci_subject", stacks=pipelines_of, purpose="whose token a stage's pipelines come with",
          how="your pipeline's documentation of OpenID Connect; a protected environment for each stage"),
    Field(path="stages.*.service_principals.*", stacks=principal_of, purpose="application id of a service principal",
          how="of sp-deploy: the output of the Azure layer; of the others: az ad sp list; mlops inputs takes both"),
    Field(path="stages.*.workspace_id", stacks=workspace_of, purpose="the number of a stage's workspace",
          how="npx cdktf deploy azure-<stage> --outputs-file outputs.json; mlops inputs outputs.json"),
    Field(path="subscription_id", stacks=everywhere, purpose="the Azure subscription",
          how="az account show --query id"),
)
# fmt: on
# Values that a real deployment may well keep, so nothing can refuse them: to be looked at once.
LOOK_AT: Mapping[str, str] = {
    "azure.budget_from": "this month or a later one: Azure refuses a month that is over",
    "azure.location": "the region of your metastore, with zones",
    "stages.*.network": "a private network of your own for each stage",
}


def is_placeholder(value: object) -> bool:
    """Whether nobody's account can have this value."""
    if isinstance(value, int):
        return value < SMALLEST
    return isinstance(value, str) and LOOK.fullmatch(value) is not None


def leaves(read: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(path, value) of every value of the file, in its order."""
    if isinstance(read, dict):
        for key, value in read.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, read


def stars(pattern: str, path: tuple[str, ...]) -> list[str] | None:
    """What the `*` of a pattern stand for in a path that it fits, else None."""
    parts = pattern.split(".")
    if len(parts) != len(path) or any(part not in ("*", given) for part, given in zip(parts, path, strict=True)):
        return None
    return [given for part, given in zip(parts, path, strict=True) if part == "*"]


def placeholders(read: Mapping[str, Any] | None = None) -> list[Placeholder]:
    """The placeholders that are left, in the order of the file. read: its content; by default of the repository's."""
    found = []
    for path, value in leaves(json.loads(FILE.read_text(encoding="utf-8")) if read is None else read):
        for field in FIELDS:
            if is_placeholder(value) and (given := stars(field.path, path)) is not None:
                found.append(Placeholder(path=".".join(path), value=value, purpose=field.purpose, how=field.how,
                                         stacks=field.stacks(given)))  # fmt: skip
    return found


def refusal(stack: str, left: list[Placeholder]) -> str | None:
    """What terraform tells who deploys the stack to Azure: file, field, value, valid ones; None when it may."""
    mine = [one for one in left if stack in one.stacks]
    if not mine:
        return None
    more = f"; {len(mine) - 1} more" if len(mine) > 1 else ""
    first = mine[0]
    return (
        f"{LABEL}: {stack}: {first.path} = {first.value!r} is a placeholder; "
        f"valid: {first.purpose} ({first.how}){more}. All of them: mlops doctor --azure"
    )
