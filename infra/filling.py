"""Fills `infra/inputs.json` from what Azure and Databricks print: nobody copies a number by hand."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import inputs, names
from infra.inputs import BY_DATASET, wrong
from infra.roles import Principal, Role
from infra.stages import STAGES, StageName
from workflows.errors import DeclarationError

SHAPES = (
    "the outputs of an Azure stack (cdktf deploy --outputs-file, terraform output -json)",
    "databricks account groups list -o json",
    "databricks account metastores list -o json",
    "databricks account service-principals list -o json",
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One field of the file that gets another value."""

    path: str
    before: object
    after: object


def found(read: Any, label: str, region: str) -> dict[str, Any]:
    """Path -> value of all that a file says about the inputs. region: of the metastore that is meant."""
    if isinstance(read, list):
        return dict(_listed(read, label, region))
    if isinstance(read, dict):
        # terraform wraps each output, cdktf puts those of a stack below its name.
        stacks = [read] if "stage" in read else [one for one in read.values() if isinstance(one, dict)]
        told = [{name: value["value"] if isinstance(value, dict) else value for name, value in one.items()}
                for one in stacks if "stage" in one]  # fmt: skip
        if told:
            return {path: value for one in told for path, value in _outputs(one, label).items()}
    raise DeclarationError(label, "content", type(read).__name__, SHAPES, label)


def _outputs(told: Mapping[str, Any], label: str) -> dict[str, Any]:
    """What one Azure stack says of itself."""
    stage = told["stage"]
    if stage not in list(StageName):
        raise DeclarationError(names.azure_stack(STAGES[StageName.DEV]), "stage", stage, list(StageName), label)
    for field in ("workspace_id", "deploy_application_id"):
        if not told.get(field):
            raise DeclarationError(f"azure-{stage}", field, told.get(field), "an output; deploy the stack first", label)
    number = str(told["workspace_id"])
    if not number.isdecimal():
        raise DeclarationError(f"azure-{stage}", "workspace_id", number, "the workspace's number", label)
    return {
        f"stages.{stage}.workspace_id": int(number),
        f"stages.{stage}.service_principals.{Principal.DEPLOY.value}": told["deploy_application_id"],
    }


def _listed(read: list[Any], label: str, region: str) -> Iterator[tuple[str, Any]]:
    """What a list of groups, metastores or service principals says; others in it are none of ours."""
    principals = {f"{principal.value}-{stage.value}": f"stages.{stage.value}.service_principals.{principal.value}"
                  for stage in StageName for principal in Principal}  # fmt: skip
    roles = {role.value for role in Role}
    datasets = tuple(f"{role}-" for role in BY_DATASET)
    known = False
    for one in read:
        if not isinstance(one, dict):
            raise DeclarationError(label, "entry", one, SHAPES, label)
        name = str(one.get("displayName") or one.get("display_name") or "")
        if "metastore_id" in one and "region" in one:
            known = True
            if one["region"] == region:
                yield "metastore_id", one["metastore_id"]
        elif application := one.get("applicationId") or one.get("application_id") or one.get("appId"):
            known = True
            if name in principals:
                yield principals[name], application
        elif name and str(one.get("id", "")).isdecimal():
            known = True
            if name in roles or name.startswith(datasets):
                yield f"groups.{name}", int(one["id"])
    if not known:
        raise DeclarationError(label, "entries", len(read), SHAPES, label)


def filled(text: str, given: Mapping[str, Any]) -> tuple[str, list[Change]]:
    """The file's text with the given values, checked as a whole, and what changed; in the file's own order."""
    read = json.loads(text)
    before, changes = copy.deepcopy(read), []
    for path, value in given.items():
        *above, last = path.split(".")
        part, old = read, before
        for key in above:
            part, old = part[key], old[key]
        if part.get(last) != value:
            changes.append(Change(path=path, before=old.get(last), after=value))
            part[last] = value
    read["groups"] = dict(sorted(read["groups"].items()))
    written = json.dumps(read, indent=2) + "\n"
    inputs.parse(written)
    return written, changes


def fill(files: list[Path], target: Path = inputs.FILE) -> list[Change]:
    """Take over what the files say, all of it or nothing; a reader sees the old file or the new one."""
    text = target.read_text(encoding="utf-8")
    region = inputs.parse(text).azure.location
    given: dict[str, Any] = {}
    for file in files:
        try:
            read = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise DeclarationError("inputs", "file", str(file), "a file that can be read", str(file)) from error
        except ValueError as error:
            raise DeclarationError("inputs", "file", "no JSON", SHAPES, str(file)) from error
        for path, value in found(read, str(file), region).items():
            if given.setdefault(path, value) != value:
                raise wrong("inputs", path, value, f"one value; another file says {given[path]}")
    written, changes = filled(text, given)
    if changes:
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        partial.write_text(written, encoding="utf-8")
        partial.replace(target)
    return changes
