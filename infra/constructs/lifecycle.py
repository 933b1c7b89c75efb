"""What may be destroyed."""

from __future__ import annotations

from cdktf import TerraformResourceLifecycle

from infra.stages import Stage


def keeping(stage: Stage) -> TerraformResourceLifecycle | None:
    """The lifecycle of a thing that holds data: in a stage that keeps its data terraform refuses to destroy it."""
    return TerraformResourceLifecycle(prevent_destroy=True) if stage.keep_data else None
