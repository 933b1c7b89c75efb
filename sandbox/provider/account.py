"""What an account has once for all workspaces: who is let in where, which metastore, what is paid by which tag."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.errors import ServiceError
from sandbox.provider.kinds import Context, Kind, fill
from sandbox.provider.unity import METASTORE
from sandbox.provider.values import Object
from sandbox.store import new_uuid

_POLICY = "databricks_budget_policy"
_LEVELS = ("ADMIN", "USER")
# docs.databricks.com, "Monitor account activity with system tables": the schemas that can be switched on.
SYSTEM_SCHEMAS = ("access", "billing", "compute", "lakeflow", "marketplace", "query", "serving", "storage")


class MetastoreAssignment(Kind):
    """That a workspace uses a metastore."""

    noun = "metastore assignment"
    takes_all = True
    overwrites = True

    def identify(self, context: Context, body: Object) -> str:
        """``<workspace id>|<metastore id>``."""
        del context
        fill(body, default_catalog_name="hive_metastore")
        return f"{body['workspace_id']}|{body['metastore_id']}"


class PermissionAssignment(Kind):
    """That a principal of the account is let into a workspace."""

    noun = "permission assignment"
    takes_all = True
    overwrites = True

    def identify(self, context: Context, body: Object) -> str:
        """``<workspace id>|<principal id>``; the workspace must have a metastore."""
        workspace = body["workspace_id"]
        if not context.names("databricks_metastore_assignment", f"{workspace}|"):
            message = f"Permission assignment APIs are not available for workspace {workspace}: it has no metastore."
            raise ServiceError("FEATURE_DISABLED", message)
        for level in body["permissions"]:
            if level not in _LEVELS:
                message = f"permission '{level}' is unknown; valid: {', '.join(_LEVELS)}"
                raise ServiceError("INVALID_PARAMETER_VALUE", message)
        return f"{workspace}|{body['principal_id']}"


class SystemSchema(Kind):
    """A schema of the catalog ``system``, switched on."""

    noun = "system schema"
    takes_all = True
    overwrites = True

    def identify(self, context: Context, body: Object) -> str:
        """``<metastore id>|<schema>``."""
        del context
        if body["schema"] not in SYSTEM_SCHEMAS:
            message = f"system schema '{body['schema']}' is unknown; valid: {', '.join(SYSTEM_SCHEMAS)}"
            raise ServiceError("INVALID_PARAMETER_VALUE", message)
        fill(body, metastore_id=METASTORE, state="ENABLE_COMPLETED", auto_enabled=False)
        fill(body, full_name=f"system.{body['schema']}")
        return f"{METASTORE}|{body['schema']}"


class BudgetPolicy(Kind):
    """The tags by which serverless compute is paid."""

    noun = "budget policy"
    key = "policy_id"
    takes_all = True

    def identify(self, context: Context, body: Object) -> str:
        """A UUID; the name is taken once."""
        if body["policy_name"] in {item.body["policy_name"] for item in context.workspace.store.list(_POLICY)}:
            raise ServiceError("RESOURCE_ALREADY_EXISTS", f"Budget policy '{body['policy_name']}' already exists.")
        fill(body, policy_id=new_uuid())
        return str(body["policy_id"])


class FederationPolicy(Kind):
    """Whose token a service principal is signed in with."""

    noun = "federation policy"
    key = "name"
    takes_all = True

    def identify(self, context: Context, body: Object) -> str:
        """Its name; the service principal must exist, and the policy must say whose tokens it trusts."""
        number = str(int(body["service_principal_id"]))
        context.need("databricks_service_principal", number, "Service principal")
        policy = body.get("oidc_policy") or {}
        for field in ("issuer", "subject"):
            if not policy.get(field):
                raise ServiceError("INVALID_PARAMETER_VALUE", f"oidc_policy.{field} must be given")
        fill(body, policy_id=new_uuid(), uid=new_uuid())
        body["name"] = f"servicePrincipals/{number}/federationPolicies/{body['policy_id']}"
        fill(body, create_time=_time())
        return str(body["name"])

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """When it changed."""
        del context, prior
        body["update_time"] = _time()


def _time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
