"""What lies below the workspaces: one stack a stage of Azure resources, deployed before and apart from the stage.

The azurerm binding imports its modules eagerly, which takes 20 seconds; see `infra/__init__.py`.
"""

from __future__ import annotations

from infra import register_light_parent

register_light_parent("cdktf_cdktf_provider_azurerm")
