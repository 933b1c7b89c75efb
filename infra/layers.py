"""Which stacks there are, by layer. Their names are what `cdktf deploy` takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from infra import names
from infra.stages import STAGES, Stage
from workflows.errors import DeclarationError

WORKSPACE: Mapping[str, Stage] = {stage.name.value: stage for stage in STAGES.values()}
AZURE: Mapping[str, Stage] = {names.azure_stack(stage): stage for stage in STAGES.values()}
ACCOUNT = "account"
STACKS = (*WORKSPACE, *AZURE, ACCOUNT)


def chosen(wanted: Iterable[str]) -> tuple[str, ...]:
    """The stacks asked for, or all of them if none is; one that does not exist is refused with those that do."""
    asked = tuple(dict.fromkeys(wanted))
    for name in asked:
        if name not in STACKS:
            raise DeclarationError("python -m infra", "stack", name, STACKS)
    return asked or STACKS
