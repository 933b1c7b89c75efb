"""The compute of a stage: cluster policies, and job clusters that restate what their policy fixes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from constructs import Construct

from infra import names, policies
from infra.clusters import Cluster
from infra.constructs.access import Access
from infra.names import Addresses
from infra.providers import (
    ClusterPolicy,
    JobJobCluster,
    JobJobClusterNewCluster,
    JobJobClusterNewClusterAutoscale,
    JobJobClusterNewClusterAzureAttributes,
)
from infra.roles import On
from infra.stages import Stage


class Compute(Construct):
    """policies: the cluster policies by name, those that no job uses yet included: a declaration may choose any."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, clusters: Mapping[str, Cluster], access: Access,
                 addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.stage, self.clusters = stage, clusters
        self.policies: dict[str, ClusterPolicy] = {}
        for cluster in clusters.values():
            if cluster.policy not in self.policies:
                policy = ClusterPolicy(
                    self, cluster.policy, name=f"cdh-{cluster.policy}", definition=self.definition(cluster)
                )
                addresses.place(policy, cluster.policy, f"the cluster policy {cluster.policy}")
                access.permit(f"policy_{cluster.policy}", On.POLICY, cluster_policy_id=policy.id)
                self.policies[cluster.policy] = policy

    def definition(self, cluster: Cluster) -> str:
        """The cluster's policy as Databricks JSON, with the stage as one of its cost tags."""
        stage = {"type": "fixed", "value": self.stage.name.value}
        return json.dumps({**cluster.rules, "custom_tags.stage": stage}, sort_keys=True, separators=(",", ":"))

    def job_cluster(self, name: str, *, declared: str, run_as: str) -> JobJobCluster:
        """The job cluster of that name, for the one service principal it runs as."""
        cluster = self.clusters[name]
        tags = names.tags(self.stage, declared)
        policies.check_tags(cluster.rules, tags, declared)
        return JobJobCluster(
            job_cluster_key=name,
            new_cluster=JobJobClusterNewCluster(
                policy_id=self.policies[cluster.policy].id,
                spark_version=cluster.spark_version,
                node_type_id=cluster.node_type_id,
                autoscale=JobJobClusterNewClusterAutoscale(
                    min_workers=cluster.min_workers, max_workers=cluster.max_workers
                ),
                azure_attributes=JobJobClusterNewClusterAzureAttributes(availability=cluster.availability),
                data_security_mode=cluster.data_security_mode,
                single_user_name=run_as,
                runtime_engine=cluster.runtime_engine,
                spark_conf=dict(sorted(cluster.spark_conf.items())),
                spark_env_vars=dict(sorted(cluster.spark_env_vars.items())),
                custom_tags=tags,
            ),
        )
