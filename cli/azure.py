"""What an Azure deployment still needs: inputs to fill in, and what must be there before."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra import filling, layers
from infra.inputs import LABEL, load
from infra.placeholders import LOOK_AT, Placeholder, placeholders

Ask = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]
# Namespaces of the types in use; the stack registers none, since pipelines have no right to.
RESOURCE_PROVIDERS = (
    "Microsoft.Consumption", "Microsoft.Databricks", "Microsoft.Insights", "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity", "Microsoft.Network", "Microsoft.OperationalInsights", "Microsoft.Storage",
)  # fmt: skip
# What no command of this machine can see: to be ticked off by hand.
CHECKLIST = (
    "you are Owner of the subscription for this hour: az role assignment list --assignee <you> --include-inherited",
    "you are account administrator of Databricks: the account console opens",
    "the account has a metastore in the region, and its groups come from Entra (automatic identity management or SCIM)",
    "the network team has given each stage a network of its own, and will peer it",
    "the storage account for terraform's state is there (step 3 of docs/first-deployment.md)",
    "the account withholds the policy Personal Compute from all users: account console, Settings, Feature enablement",
    "quotas of vCPUs of the nodes' family: 16 for one job, 112 to 280 for the seven that prod starts at one hour: "
    "az vm list-usage --location <location>",
)


# Not proved here: that the sign-in, the registrations and the rights are right. Why: no subscription is reachable;
# what can be asked is asked by `az`, which the tests replace. On Azure: `mlops doctor --azure` ends with 0.
@dataclass(frozen=True)
class Precondition:
    """Something that must be there before; found: what is, and good: whether that is enough."""

    what: str
    found: str
    good: bool
    how: str


def asked(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """What a program says; it gets half a minute."""
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def preconditions(ask: Ask = asked) -> list[Precondition]:
    """The programs, and what Azure's own says: whether somebody is signed in, and what is registered."""
    found = []
    for program, how in {"az": "learn.microsoft.com/cli/azure/install-azure-cli", "terraform": "make setup",
                         "databricks": "docs.databricks.com/dev-tools/cli/install"}.items():  # fmt: skip
        path = shutil.which(program)
        found.append(Precondition(program, "there" if path else "none", path is not None, how))
    if not found[0].good:
        found.append(Precondition("signed in to Azure", "not asked: az is missing", False, "az login"))
        return found
    try:
        account = ask(["az", "account", "show", "--query", "id", "--output", "tsv"])
    except subprocess.TimeoutExpired:
        found.append(Precondition("signed in to Azure", "az does not answer", False, "az login"))
        return found
    subscription, ours = account.stdout.strip(), load().subscription_id
    if account.returncode:
        found.append(Precondition("signed in to Azure", "no", False, "az login"))
        return found
    same = subscription == ours
    how = f"az account set --subscription {ours}, or subscription_id of {LABEL}"
    found.append(Precondition("signed in to the inputs' subscription", subscription, same, how))
    for namespace in RESOURCE_PROVIDERS:
        command = [
            "az",
            "provider",
            "show",
            "--namespace",
            namespace,
            "--query",
            "registrationState",
            "--output",
            "tsv",
        ]
        try:
            state = ask(command).stdout.strip() or "unknown"
        except subprocess.TimeoutExpired:
            state = "az does not answer"
        register = f"az provider register --namespace {namespace}"
        found.append(Precondition(namespace, state, state == "Registered", register))
    return found


def examine(ask: Ask = asked) -> None:
    """Show what is missing; exit code 1 when something is."""
    console = Console(highlight=False, soft_wrap=True)
    left, before = placeholders(), preconditions(ask)
    show(console, sorted(left, key=lambda one: (one.purpose, one.how)))
    table = Table(title="Before the first deployment", title_justify="left")
    for column in ("what", "found", "how"):
        table.add_column(column, overflow="fold")
    for one in before:
        mark = ("✓ ", "green") if one.good else ("✗ ", "red")
        table.add_row(Text.assemble(mark, one.what), Text(one.found), Text("" if one.good else one.how))
    console.print(table)
    console.print("To be ticked off by hand; nothing here can see it:")
    for line in CHECKLIST:
        console.print(Text(f"  [ ] {line}"))
    for path, look in LOOK_AT.items():
        console.print(Text(f"  [ ] {LABEL}: {path}: {look}"))
    if left or not all(one.good for one in before):
        sys.exit(1)


def show(console: Console, left: list[Placeholder]) -> None:
    """Fields and values by what they are, how to get them, and which stacks wait for them."""
    console.print(f"[bold]{LABEL}[/bold]: {len(left)} placeholders left" if left else f"{LABEL}: no placeholder left")
    for (purpose, how), alike in groupby(left, key=lambda one: (one.purpose, one.how)):
        console.print(Text.assemble(("✗ ", "red"), purpose, (f": {how}", "dim")))
        for one in alike:
            waits = "every stack" if len(one.stacks) == len(layers.STACKS) else ", ".join(one.stacks)
            console.print(Text(f"    {one.path} = {one.value}  (for {waits})"))


def fill(files: list[Path]) -> None:
    """Fill the inputs from files, and say what changed."""
    console = Console(highlight=False, soft_wrap=True)
    changes = filling.fill(files)
    for one in changes:
        console.print(Text(f"{one.path}: {one.before} -> {one.after}"))
    console.print(f"{LABEL}: {len(changes)} fields filled, {len(placeholders())} placeholders left")
