"""Keeps placeholders out of Azure, in the document itself: there is no way to deploy around it but to say so."""

from __future__ import annotations

from cdktf import TerraformStack, TerraformVariable, TerraformVariableValidationConfig

from infra.placeholders import Placeholder, refusal


def refuse_placeholders(stack: TerraformStack, left: list[Placeholder]) -> None:
    """Let terraform refuse the stack before it plans anything, unless it is told that this is the sandbox.

    The sandbox says so in its environment (`TF_VAR_sandbox`); the document is the same for both, byte for byte.
    """
    if (message := refusal(stack.node.id, left)) is not None:
        TerraformVariable(
            stack, "sandbox", type="bool", default=False, description="Placeholders are fit for the sandbox only.",
            validation=[TerraformVariableValidationConfig(condition="${var.sandbox}", error_message=message)],
        )  # fmt: skip
