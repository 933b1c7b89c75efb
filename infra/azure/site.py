"""Where a stage's Azure resources are built: what every construct of the layer needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from infra import names
from infra.inputs import Inputs
from infra.names import Addresses, Overridable
from infra.stages import Stage
from infra.storage import Data

Resource = TypeVar("Resource", bound=Overridable)


# What a resource says it belongs to when it serves every zone alike.
PLATFORM = "platform"


@dataclass(frozen=True, kw_only=True)
class Site:
    """group: the resource group, by reference, so that it is there first. addresses: those taken in the stack."""

    stage: Stage
    inputs: Inputs
    addresses: Addresses
    group: str

    @property
    def location(self) -> str:
        """The Azure region."""
        return self.inputs.azure.location

    def place(self, address: str, made: Resource) -> Resource:
        """`made`, under a readable address: at once, since a reference taken before keeps the address with a hash."""
        self.addresses.place(made, address, f"the {type(made).__name__} {address} of {names.azure_stack(self.stage)}")
        return made

    def name(self, kind: str, *parts: str) -> str:
        """The name of a resource: `kind` is the customary abbreviation."""
        return names.azure(self.stage, kind, *parts)

    def tags(self, *, zone: str, data: Data) -> dict[str, str]:
        """The tags of a resource of `zone` that holds or carries `data`."""
        azure = self.inputs.azure
        return names.azure_tags(
            self.stage, zone=zone, owner=azure.owner, cost_center=azure.cost_center, data_classification=data.value
        )
