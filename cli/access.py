"""Who may do what in a stage, as it is synthesized."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import json_file
from cli.errors import UsageError
from cli.house import House
from infra.roles import Role
from review.access import Ability, Reason, resolved, what_can, who_can
from review.deployed import Deployed, read, refused

ROLES = {one.name: one.value for one in Role}


def deployed(name: str) -> Deployed:
    """A stage as synthesized in this moment: an answer from yesterday's JSON would be worth nothing."""
    from infra.layers import WORKSPACE

    if name not in WORKSPACE:
        raise refused("stage", name, WORKSPACE, "the command")
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            [sys.executable, "-m", "infra", name], cwd=House().root, env={**os.environ, "CDKTF_OUTDIR": folder},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise UsageError(f"{name} cannot be synthesized: {made.stderr.strip()[-2000:]}")
        document = json.loads((Path(folder) / "stacks" / name / "cdk.tf.json").read_text(encoding="utf-8"))
    return read(document, name)


def show_who(stage: str, verb: str, thing: str, json_path: Path | None) -> None:
    """Everyone who may do it, each with the grants that let them."""
    found = who_can(deployed(stage), verb, thing)
    console = Console(highlight=False)
    if not found:
        console.print(f"Nobody can {verb} {thing} in {stage}.")
    else:
        console.print(_table(f"Who can {verb} {found[0].thing.key} in {stage}", "who", found, of=_who))
    _write(found, json_path)


def show_what(stage: str, role: str, json_path: Path | None) -> None:
    """Everything that a role, and each dataset's part of it, may do."""
    known = deployed(stage)
    console = Console(highlight=False)
    every: list[Ability] = []
    for principal in resolved(known, role, ROLES):
        found = what_can(known, principal)
        every += found
        console.print(_table(f"What {principal} can do in {stage}", "what", found, of=_what))
    _write(every, json_path)


def _table(title: str, first: str, found: list[Ability], of: Callable[[Ability], str | Text]) -> Table:
    table = Table(title=title, title_justify="left", row_styles=["", "dim"])
    table.add_column(first)
    table.add_column("through", overflow="fold")
    for one in found:
        # The use of the zones that a thing lies in is a row of its own where one asks for everything.
        shown = one.reasons if of is _who else one.reasons[-1:]
        table.add_row(of(one), Text("\n").join(_reason(reason) for reason in shown))
    return table


def _who(one: Ability) -> str:
    numbers = {value: name for name, value in ROLES.items()}
    number = next((numbers[value] for value in numbers if one.principal.startswith(value)), "")
    return f"{number} {one.principal}".strip()


def _what(one: Ability) -> Text:
    return Text.assemble((one.verb, "bold"), f" {one.thing.key}")


def _reason(reason: Reason) -> Text:
    return Text.assemble((reason.right, "green"), f" on {reason.on}  ", (reason.by, "dim"))


def _write(found: list[Ability], json_path: Path | None) -> None:
    told = [
        {
            "principal": one.principal, "verb": one.verb, "object": one.thing.key,
            "through": [{"right": why.right, "on": why.on, "address": why.by, "to": why.to} for why in one.reasons],
        }
        for one in found
    ]  # fmt: skip
    json_file.write(told, json_path)
