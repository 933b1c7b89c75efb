"""The part of the databricks binding that we use, in one place; every other module takes it from here.

Only these submodules are loaded (see `infra/__init__.py`). cdktf itself starts the Node process of jsii.
"""

from __future__ import annotations

from cdktf_cdktf_provider_databricks.access_control_rule_set import AccessControlRuleSet, AccessControlRuleSetGrantRules
from cdktf_cdktf_provider_databricks.catalog import Catalog
from cdktf_cdktf_provider_databricks.cluster_policy import ClusterPolicy
from cdktf_cdktf_provider_databricks.directory import Directory
from cdktf_cdktf_provider_databricks.external_location import ExternalLocation
from cdktf_cdktf_provider_databricks.file import File
from cdktf_cdktf_provider_databricks.grants import Grants, GrantsGrant
from cdktf_cdktf_provider_databricks.job import (
    Job,
    JobEmailNotifications,
    JobJobCluster,
    JobJobClusterNewCluster,
    JobJobClusterNewClusterAutoscale,
    JobJobClusterNewClusterAzureAttributes,
    JobParameter,
    JobQueue,
    JobRunAs,
    JobSchedule,
    JobTask,
    JobTaskConditionTask,
    JobTaskDependsOn,
    JobTaskLibrary,
    JobTaskPythonWheelTask,
    JobTaskRunJobTask,
)
from cdktf_cdktf_provider_databricks.mlflow_experiment import MlflowExperiment
from cdktf_cdktf_provider_databricks.permissions import Permissions, PermissionsAccessControl
from cdktf_cdktf_provider_databricks.provider import DatabricksProvider
from cdktf_cdktf_provider_databricks.registered_model import RegisteredModel
from cdktf_cdktf_provider_databricks.schema import Schema
from cdktf_cdktf_provider_databricks.service_principal import ServicePrincipal
from cdktf_cdktf_provider_databricks.storage_credential import (
    StorageCredential,
    StorageCredentialAzureManagedIdentity,
)
from cdktf_cdktf_provider_databricks.volume import Volume
from cdktf_cdktf_provider_databricks.workspace_binding import WorkspaceBinding

__all__ = [
    "AccessControlRuleSet", "AccessControlRuleSetGrantRules", "Catalog", "ClusterPolicy", "DatabricksProvider",
    "Directory", "ExternalLocation", "File", "Grants", "GrantsGrant", "Job", "JobEmailNotifications", "JobJobCluster",
    "JobJobClusterNewCluster", "JobJobClusterNewClusterAutoscale", "JobJobClusterNewClusterAzureAttributes",
    "JobParameter", "JobQueue", "JobRunAs", "JobSchedule", "JobTask", "JobTaskConditionTask", "JobTaskDependsOn",
    "JobTaskLibrary", "JobTaskPythonWheelTask", "JobTaskRunJobTask", "MlflowExperiment", "Permissions",
    "PermissionsAccessControl", "RegisteredModel", "Schema", "ServicePrincipal", "StorageCredential",
    "StorageCredentialAzureManagedIdentity", "Volume",
    "WorkspaceBinding",
]  # fmt: skip
