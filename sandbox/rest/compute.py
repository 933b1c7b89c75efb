"""Cluster policies and instance pools: definitions that the workspace keeps."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, invalid
from sandbox.rest.translate import answer, attributes
from sandbox.store import Resource

ROUTES = Routes()


@dataclass(frozen=True)
class Definition:
    """One kind. identity: the field of its id. listed: of a list of them."""

    path: str
    type: str
    identity: str
    listed: str

    def create(self, ask: Ask) -> Object:
        """Keep one."""
        self._need_admin(ask, "create")
        return {self.identity: ask.resources.create(self.type, self._given(ask))["id"]}

    def edit(self, ask: Ask) -> Object:
        """Change it."""
        self._need_admin(ask, "change")
        ask.resources.change(self.type, ask.text(self.identity), self._given(ask))
        return {}

    def get(self, ask: Ask) -> Object:
        """One of them."""
        return self._told(ask, ask.resources.need(self.type, ask.text(self.identity)))

    def list(self, ask: Ask) -> Object:
        """All of them."""
        return {self.listed: [self._told(ask, item) for item in ask.resources.list(self.type)]}

    def delete(self, ask: Ask) -> Object:
        """Remove it."""
        self._need_admin(ask, "remove")
        ask.resources.remove(self.type, ask.text(self.identity))
        return {}

    def _need_admin(self, ask: Ask, what: str) -> None:
        ask.caller.need_admin(f"{what} a {ask.resources.kind(self.type).noun}")

    def _given(self, ask: Ask) -> Object:
        definition = ask.body.get("definition")
        if isinstance(definition, str):
            try:
                json.loads(definition)
            except ValueError as error:
                raise invalid(f"Policy definition is no JSON: {error}") from None
        return attributes(ask.resources.block(self.type), ask.body)

    def _told(self, ask: Ask, found: Resource) -> Object:
        body = answer(ask.resources.block(self.type), found.body, without={"id"})
        policy = self.identity == "policy_id"
        return (
            body
            | {self.identity: found.id}
            | ({"created_at_timestamp": found.created_at} if policy else {"state": "ACTIVE"})
        )


for one in (
    Definition("/api/2.0/policies/clusters", "databricks_cluster_policy", "policy_id", "policies"),
    Definition("/api/2.0/instance-pools", "databricks_instance_pool", "instance_pool_id", "instance_pools"),
):
    ROUTES.add("POST", f"{one.path}/create", one.create)
    ROUTES.add("POST", f"{one.path}/edit", one.edit)
    ROUTES.add("GET", f"{one.path}/get", one.get)
    ROUTES.add("POST", f"{one.path}/delete", one.delete)
    ROUTES.add("GET", f"{one.path}/list", one.list, DOCUMENTED)
