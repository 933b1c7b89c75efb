"""What neither the binding nor the schema says about azurerm 4.55.0; see ``sandbox.provider.rules``."""

from __future__ import annotations

from sandbox.provider.azure.network import NETWORK
from sandbox.provider.azure.platform import PLATFORM
from sandbox.provider.azure.storage import STORAGE
from sandbox.provider.rules import Behaviour

BEHAVIOURS: dict[str, Behaviour] = NETWORK | PLATFORM | STORAGE
