"""The part of the databricks binding that only the account's stack uses; see `infra.providers`."""

from __future__ import annotations

from cdktf_cdktf_provider_databricks.budget_policy import BudgetPolicy, BudgetPolicyCustomTags
from cdktf_cdktf_provider_databricks.grant import Grant
from cdktf_cdktf_provider_databricks.metastore_assignment import MetastoreAssignment
from cdktf_cdktf_provider_databricks.mws_permission_assignment import MwsPermissionAssignment
from cdktf_cdktf_provider_databricks.service_principal_federation_policy import (
    ServicePrincipalFederationPolicy,
    ServicePrincipalFederationPolicyOidcPolicy,
)
from cdktf_cdktf_provider_databricks.system_schema import SystemSchema

__all__ = [
    "BudgetPolicy", "BudgetPolicyCustomTags", "Grant", "MetastoreAssignment", "MwsPermissionAssignment",
    "ServicePrincipalFederationPolicy", "ServicePrincipalFederationPolicyOidcPolicy", "SystemSchema",
]  # fmt: skip
