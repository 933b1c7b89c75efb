"""The part of the databricks binding that we use, in one place; every other module takes it from here.

Only these submodules are loaded (see `infra/__init__.py`). cdktf itself starts the Node process of jsii.
"""

from __future__ import annotations

from cdktf_cdktf_provider_databricks.access_control_rule_set import AccessControlRuleSet, AccessControlRuleSetGrantRules
from cdktf_cdktf_provider_databricks.alert_v2 import (
    AlertV2,
    AlertV2Evaluation,
    AlertV2EvaluationNotification,
    AlertV2EvaluationNotificationSubscriptions,
    AlertV2EvaluationSource,
    AlertV2EvaluationThreshold,
    AlertV2EvaluationThresholdValue,
    AlertV2RunAs,
    AlertV2Schedule,
)
from cdktf_cdktf_provider_databricks.catalog import Catalog
from cdktf_cdktf_provider_databricks.cluster_policy import ClusterPolicy
from cdktf_cdktf_provider_databricks.dashboard import Dashboard
from cdktf_cdktf_provider_databricks.directory import Directory
from cdktf_cdktf_provider_databricks.entitlements import Entitlements
from cdktf_cdktf_provider_databricks.external_location import ExternalLocation
from cdktf_cdktf_provider_databricks.file import File
from cdktf_cdktf_provider_databricks.grants import Grants, GrantsGrant
from cdktf_cdktf_provider_databricks.job import (
    Job,
    JobContinuous,
    JobEmailNotifications,
    JobHealth,
    JobHealthRules,
    JobJobCluster,
    JobJobClusterNewCluster,
    JobJobClusterNewClusterAutoscale,
    JobJobClusterNewClusterAzureAttributes,
    JobNotificationSettings,
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
    JobTrigger,
    JobTriggerFileArrival,
    JobTriggerTableUpdate,
)
from cdktf_cdktf_provider_databricks.mlflow_experiment import MlflowExperiment
from cdktf_cdktf_provider_databricks.model_serving import (
    ModelServing,
    ModelServingAiGateway,
    ModelServingAiGatewayInferenceTableConfig,
    ModelServingConfigA,
    ModelServingConfigServedEntities,
    ModelServingConfigTrafficConfig,
    ModelServingConfigTrafficConfigRoutes,
    ModelServingEmailNotifications,
    ModelServingTags,
)
from cdktf_cdktf_provider_databricks.notification_destination import (
    NotificationDestination,
    NotificationDestinationConfigA,
    NotificationDestinationConfigEmail,
)
from cdktf_cdktf_provider_databricks.permissions import Permissions, PermissionsAccessControl
from cdktf_cdktf_provider_databricks.provider import DatabricksProvider
from cdktf_cdktf_provider_databricks.quality_monitor import (
    QualityMonitor,
    QualityMonitorInferenceLog,
    QualityMonitorNotifications,
    QualityMonitorNotificationsOnFailure,
    QualityMonitorSchedule,
)
from cdktf_cdktf_provider_databricks.registered_model import RegisteredModel
from cdktf_cdktf_provider_databricks.schema import Schema
from cdktf_cdktf_provider_databricks.secret_acl import SecretAcl
from cdktf_cdktf_provider_databricks.secret_scope import SecretScope, SecretScopeKeyvaultMetadata
from cdktf_cdktf_provider_databricks.service_principal import ServicePrincipal
from cdktf_cdktf_provider_databricks.sql_endpoint import SqlEndpoint, SqlEndpointTags, SqlEndpointTagsCustomTags
from cdktf_cdktf_provider_databricks.storage_credential import (
    StorageCredential,
    StorageCredentialAzureManagedIdentity,
)
from cdktf_cdktf_provider_databricks.volume import Volume
from cdktf_cdktf_provider_databricks.workspace_binding import WorkspaceBinding

__all__ = [
    "AccessControlRuleSet", "AccessControlRuleSetGrantRules", "AlertV2", "AlertV2Evaluation",
    "AlertV2EvaluationNotification", "AlertV2EvaluationNotificationSubscriptions", "AlertV2EvaluationSource",
    "AlertV2EvaluationThreshold", "AlertV2EvaluationThresholdValue", "AlertV2RunAs", "AlertV2Schedule", "Catalog",
    "ClusterPolicy", "Dashboard", "DatabricksProvider", "Directory", "Entitlements", "ExternalLocation", "File",
    "Grants", "GrantsGrant", "Job", "JobContinuous", "JobEmailNotifications", "JobHealth", "JobHealthRules",
    "JobJobCluster",
    "JobJobClusterNewCluster", "JobJobClusterNewClusterAutoscale", "JobJobClusterNewClusterAzureAttributes",
    "JobNotificationSettings", "JobParameter", "JobQueue", "JobRunAs", "JobSchedule", "JobTask",
    "JobTaskConditionTask", "JobTaskDependsOn", "JobTaskLibrary", "JobTaskPythonWheelTask", "JobTaskRunJobTask",
    "JobTrigger", "JobTriggerFileArrival", "JobTriggerTableUpdate", "MlflowExperiment", "ModelServing",
    "ModelServingAiGateway",
    "ModelServingAiGatewayInferenceTableConfig", "ModelServingConfigA", "ModelServingConfigServedEntities",
    "ModelServingConfigTrafficConfig", "ModelServingConfigTrafficConfigRoutes", "ModelServingEmailNotifications",
    "ModelServingTags", "NotificationDestination", "NotificationDestinationConfigA",
    "NotificationDestinationConfigEmail", "Permissions", "PermissionsAccessControl", "QualityMonitor",
    "QualityMonitorInferenceLog", "QualityMonitorNotifications", "QualityMonitorNotificationsOnFailure",
    "QualityMonitorSchedule", "RegisteredModel", "Schema", "SecretAcl", "SecretScope",
    "SecretScopeKeyvaultMetadata", "ServicePrincipal", "SqlEndpoint", "SqlEndpointTags",
    "SqlEndpointTagsCustomTags", "StorageCredential", "StorageCredentialAzureManagedIdentity", "Volume",
    "WorkspaceBinding",
]  # fmt: skip
