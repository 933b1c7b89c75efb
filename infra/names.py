"""Every name, path and tag of the platform is made here, and nowhere else. No name carries a hash but a file's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from infra.stages import Stage

if TYPE_CHECKING:
    from infra.roles import On

DISTRIBUTION = "cdh_mlops_jobs"
VERSION = "0.1.0"
WHEEL = f"{DISTRIBUTION}-{VERSION}-py3-none-any.whl"
# Of the root, where only admins of the workspace create: all users manage whatever lies below /Shared (access control).
FOLDER = "/cdh"
# The hyphen keeps these apart from the experiments in the same folder: no declaration's name has one.
STATUS_FOLDER, ALERTS_FOLDER, MONITORS_FOLDER = (
    f"{FOLDER}/{name}" for name in ("platform-status", "platform-alerts", "quality-monitors")
)
# What a workspace has once: its secret scope, its SQL warehouse, where its messages go.
PLATFORM = "cdh"
CHAMPION = "champion"
SYSTEM = "cdh-mlops"
# The account's door in Azure's public cloud, as documented; the same for every account.
ACCOUNT_HOST = "https://accounts.azuredatabricks.net"

# The schemas that every stage has once; the other zones are named after a source or a model.
ML = "ml"
REFERENCE = "reference"
ARTIFACTS = "artifacts"
LANDING = "landing"
CHECKPOINTS = "checkpoints"
EXPORTS = "exports"
# Containers of terraform state: of the workspace layer, which pipelines write, and of the Azure one, which they read.
STATE = "tfstate"
AZURE_STATE = "tfstate-azure"


class AddressError(ValueError):
    """Two things claim one terraform address, of which terraform would silently keep one."""


class Overridable(Protocol):
    """A terraform resource, as far as its address goes."""

    def override_logical_id(self, new_logical_id: str) -> None:
        """Set the name part of the address."""


@dataclass
class Addresses:
    """The terraform addresses taken in one stack."""

    taken: dict[tuple[str, str], str] = field(default_factory=dict)

    def claim(self, kind: str, name: str, owner: str) -> str:
        """`name`, from now on the address of `owner` among the resources of `kind`; raises if it is taken."""
        if (other := self.taken.get((kind, name))) is not None:
            raise AddressError(f"{kind} {name!r} of {owner}: the address is taken by {other}; rename one of the two")
        self.taken[kind, name] = owner
        return name

    def place(self, resource: Overridable, name: str, owner: str) -> None:
        """Give `resource` the readable address `name`, on behalf of `owner` (what a collision tells)."""
        resource.override_logical_id(self.claim(type(resource).__name__, name, owner))


def short(digest: str) -> str:
    """The 12 hexadecimal digits of a SHA-256 that names and tags show."""
    return digest[:12]


def resource_group(stage: Stage) -> str:
    """The Azure resource group of a stage."""
    return f"rg-cdh-{stage.name}"


def workspace_resource_id(stage: Stage, subscription: str) -> str:
    """The Azure resource id of the stage's workspace, derived so that the two layers agree without a reference."""
    group = f"/subscriptions/{subscription}/resourceGroups/{resource_group(stage)}"
    return f"{group}/providers/Microsoft.Databricks/workspaces/{stage.workspace}"


def azure_stack(stage: Stage) -> str:
    """The stack of a stage's Azure layer."""
    return f"azure-{stage.name}"


def azure(stage: Stage, kind: str, *parts: str) -> str:
    """The name of an Azure resource. kind: its customary abbreviation, such as `vnet`."""
    return "-".join((kind, "cdh", *parts, stage.name))


def managed_group(stage: Stage) -> str:
    """The resource group that Databricks makes and keeps for itself; it must not be there before."""
    return azure(stage, "rg", "databricks")


def state_group(stage: Stage) -> str:
    """The resource group of a stage's terraform state: there before any stack, and in none."""
    return azure(stage, "rg", "state")


# Accounts and vaults share their names with the whole world, hence the suffix, of at most 6 lower-case letters and
# digits; with it, the longest has the 24 characters that Azure allows.
def state_account(stage: Stage, suffix: str) -> str:
    """The storage account of a stage's terraform state."""
    return f"stcdhtf{stage.name}{suffix}"


def state_account_id(stage: Stage, subscription: str, suffix: str) -> str:
    """The Azure resource id of the account of a stage's terraform state."""
    group = f"/subscriptions/{subscription}/resourceGroups/{state_group(stage)}"
    return f"{group}/providers/Microsoft.Storage/storageAccounts/{state_account(stage, suffix)}"


def storage_account(stage: Stage, suffix: str) -> str:
    """The storage account of a stage's data."""
    return f"stcdh{stage.name}{suffix}"


def workspace_storage(stage: Stage, suffix: str) -> str:
    """The storage account that the workspace keeps for itself."""
    return f"stcdhws{stage.name}{suffix}"


def key_vault(stage: Stage, suffix: str) -> str:
    """The key vault of a stage."""
    return f"{azure(stage, 'kv')}-{suffix}"


def key_vault_id(stage: Stage, subscription: str, suffix: str) -> str:
    """The Azure resource id of a stage's key vault, derived so that the two layers agree without a reference."""
    group = f"/subscriptions/{subscription}/resourceGroups/{resource_group(stage)}"
    return f"{group}/providers/Microsoft.KeyVault/vaults/{key_vault(stage, suffix)}"


def key_vault_address(stage: Stage, suffix: str) -> str:
    """Where a stage's key vault answers."""
    return f"https://{key_vault(stage, suffix)}.vault.azure.net/"


def access_connector(stage: Stage) -> str:
    """The access connector of a stage: the identity by which Unity Catalog reaches the lake."""
    return azure(stage, "dbac")


def access_connector_id(stage: Stage, subscription: str) -> str:
    """The Azure resource id of a stage's access connector."""
    group = f"/subscriptions/{subscription}/resourceGroups/{resource_group(stage)}"
    return f"{group}/providers/Microsoft.Databricks/accessConnectors/{access_connector(stage)}"


def container_url(stage: Stage, suffix: str, name: str) -> str:
    """Where Unity Catalog finds a container of the lake."""
    return f"abfss://{name}@{storage_account(stage, suffix)}.dfs.core.windows.net/"


def external_location(stage: Stage, container: str) -> str:
    """The external location of a container: the metastore's, so that it says whose it is."""
    return f"cdh-{stage.name}-{container}"


def storage_credential(stage: Stage) -> str:
    """The storage credential of a stage: the metastore's, so that it says whose it is."""
    return f"cdh-{stage.name}"


def container(zone_class: On) -> str:
    """The container of a class of zones; a name needs three characters, which `ml` alone has not."""
    return f"zone-{zone_class.value[0].removesuffix(' zone')}"


def curated(source: str) -> str:
    """The zone of a source's delivered tables."""
    return source


def exploratory(source: str) -> str:
    """The zone in which the analysts of a source write."""
    return f"{source}_exploratory"


def features(source: str) -> str:
    """The zone of a source's fact and feature tables (`CDH_{data}_ra` of the seed)."""
    return f"{source}_ra"


def volume(stage: Stage, name: str) -> str:
    """The path of a volume of the `ml` zone."""
    return f"/Volumes/{stage.catalog}/{ML}/{name}"


def wheel(code: str) -> str:
    """Where the wheel lies: below the artifact volume and below `dist` alike. `code`: 12 hexadecimal digits."""
    return f"wheels/{code}/{WHEEL}"


def requirements(cluster: str, digest: str) -> str:
    """Where a cluster's lock file lies: below the artifact volume and below `dist` alike."""
    return f"requirements/{cluster}-{short(digest)}.txt"


def declaration(name: str, digest: str) -> str:
    """Where a declaration's canonical JSON lies: below the artifact volume and below `dist` alike."""
    return f"declarations/{name}-{short(digest)}.json"


def job(declared: str, purpose: str) -> str:
    """The name of a job, which is its terraform address too."""
    return f"{declared}_{purpose}"


def experiment(declared: str, *, validation: bool = False) -> str:
    """The workspace path of a model's experiment; its validation runs have one of their own."""
    return f"{FOLDER}/{declared}_validation" if validation else f"{FOLDER}/{declared}"


def table(stage: Stage, name: str) -> str:
    """The three-part name of a table; `name` is schema.table."""
    return f"{stage.catalog}.{name}"


def endpoint(model_name: str) -> str:
    """The name of a model's serving endpoint, which the whole workspace sees."""
    return f"{PLATFORM}-{model_name.replace('_', '-')}"


def group(role_group: str, source: str | None = None) -> str:
    """The Entra group of a role, or its part that may see one source's persons."""
    return role_group if source is None else f"{role_group}-{source.replace('_', '-')}"


# Not proved here: cost. Why: a laptop has no meter. On Azure: the workspace's usage tables, by tag.
def tags(stage: Stage, declared: str, **more: str) -> dict[str, str]:
    """The tags of everything that can be tagged, in key order."""
    return dict(sorted({"declaration": declared, "stage": stage.name.value, "system": SYSTEM, **more}.items()))


def azure_tags(stage: Stage, *, zone: str, owner: str, cost_center: str, data_classification: str) -> dict[str, str]:
    """The tags of everything in Azure that can be tagged, in key order; none can be forgotten."""
    return {
        "cost_center": cost_center,
        "data_classification": data_classification,
        "owner": owner,
        "stage": stage.name.value,
        "system": SYSTEM,
        "zone": zone,
    }
