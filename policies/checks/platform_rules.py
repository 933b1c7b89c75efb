"""Rules of the platform that neither terraform nor `infra.lint` sees; checkov loads them from this folder.

checkov hands a resource over with each value in a list of one; `plain` takes those away again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

# What secrets look like that are handed out to be written down: a Databricks token, a storage account's key, a shared
# access signature, an Entra client secret, a JSON web token, a private key, an AWS key.
SECRETS = re.compile(
    r"\bdapi[0-9a-f]{32}|AccountKey=[A-Za-z0-9+/]{40,}|[?&]sig=[A-Za-z0-9%]{30,}|\b[A-Za-z0-9~._-]{3}[78]Q~[A-Za-z0-9~._-]{31}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b"
)
# A field with such a name holds a secret whatever it looks like, unless it refers to one.
SECRET_NAMES = re.compile(r"(password|secret_value|string_value|access_key|client_secret|token)$", re.IGNORECASE)
REFERENCE = re.compile(r"\$\{[^}]+\}|\{\{secrets/[^}]+\}\}")
INIT_SCRIPTS = ("abfss", "dbfs", "file", "gcs", "s3", "volumes", "workspace")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
# Tasks that hold no cluster.
NO_CODE = ("condition_task", "for_each_task", "run_job_task")
# Mailboxes of the platform begin like this; a person's does not.
MAILBOX = "cdh-"


def plain(value: Any) -> Any:
    """A value as it stands in the file, without the lists and line numbers that checkov adds."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key != "//" and not key.startswith("__")}
    if isinstance(value, list):
        return plain(value[0]) if len(value) == 1 else [plain(one) for one in value]
    return value


def listed(value: Any) -> list[Any]:
    """A block, or several, or none, as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(field, text) of every string inside a value; JSON inside a string is looked into as text."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from strings(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one, key)
    elif isinstance(value, str):
        yield key, value


class Rule(BaseResourceCheck):
    """One rule: `sound` says whether a resource keeps it."""

    def __init__(self, id_: str, name: str, resources: list[str]) -> None:
        super().__init__(
            name=name, id=id_, categories=[CheckCategories.GENERAL_SECURITY], supported_resources=resources
        )

    def scan_resource_conf(self, conf: dict[str, list[Any]]) -> CheckResult:
        """What checkov asks."""
        return CheckResult.PASSED if self.sound(plain(conf)) else CheckResult.FAILED

    def sound(self, body: dict[str, Any]) -> bool:
        """Whether the resource keeps the rule; each rule says it."""
        raise NotImplementedError


class EveryTaskEnds(Rule):
    """A hanging task holds its cluster: each states how long it may take, and so does the job."""

    def sound(self, body: dict[str, Any]) -> bool:
        """The service itself evaluates a condition; a job that a task starts has a time of its own."""
        tasks = listed(body.get("task"))
        inner = [
            one for task in tasks for each in listed(task.get("for_each_task")) for one in listed(each.get("task"))
        ]
        timed = [body, *(one for one in [*tasks, *inner] if not any(one.get(kind) for kind in NO_CODE))]
        return all(isinstance(one.get("timeout_seconds"), int) and one["timeout_seconds"] > 0 for one in timed)


class NoSecretWritten(Rule):
    """What is synthesized lies in a repository's artifacts and in terraform's state."""

    def sound(self, body: dict[str, Any]) -> bool:
        """Secrets by their shape, and by the name of their field unless it refers to one."""
        return not any(
            SECRETS.search(text) or (SECRET_NAMES.search(key) and text and not REFERENCE.fullmatch(text))
            for key, text in strings(body)
        )


class NoInitScript(Rule):
    """An init script runs as root before anything is checked; and a person's cluster is no job's."""

    def sound(self, body: dict[str, Any]) -> bool:
        """The policy forbids each kind of script, and every cluster but a job's."""
        try:
            rules = json.loads(body.get("definition", ""))
        except (TypeError, ValueError):
            return False
        wanted = [rules.get(f"init_scripts.*.{place}.destination", {}).get("type") for place in INIT_SCRIPTS]
        kind = rules.get("cluster_type", {})
        return all(one == "forbidden" for one in wanted) and (kind.get("type"), kind.get("value")) == ("fixed", "job")


class WrittenByOne(Rule):
    """Storage of one stage is written by that stage's workspace only; unstated means every workspace, writing."""

    def __init__(self, id_: str, name: str, resources: list[str]) -> None:
        super().__init__(id_, name, resources)
        self.writers: dict[tuple[str, str, str], Any] = {}

    def sound(self, body: dict[str, Any]) -> bool:
        """A location is isolated; a binding says what it allows, and a second one of a thing does not allow writing."""
        if self.entity_type == "databricks_external_location":
            return body.get("isolation_mode") == "ISOLATION_MODE_ISOLATED"
        kind = body.get("binding_type")
        if kind != "BINDING_TYPE_READ_WRITE":
            return kind == "BINDING_TYPE_READ_ONLY"
        file = self.entity_path.partition(":")[0]
        thing = (file, str(body.get("securable_type")), str(body.get("securable_name")))
        return self.writers.setdefault(thing, body.get("workspace_id")) == body.get("workspace_id")


class NoPersonTold(Rule):
    """People change; messages go to a mailbox of the platform."""

    def sound(self, body: dict[str, Any]) -> bool:
        """Every address among the recipients is such a mailbox."""
        told = {key: body.get(key) for key in ("email_notifications", "config", "evaluation", "task")}
        return all(found.startswith(MAILBOX) for _, text in strings(told) for found in ADDRESS.findall(text))


ALL = (
    EveryTaskEnds("CKV_CDH_1", "A job and each of its tasks that runs code says how long it may take",
                  ["databricks_job"]),
    NoSecretWritten("CKV_CDH_2", "No secret stands in what is synthesized", ["databricks_*", "azurerm_*"]),
    NoInitScript("CKV_CDH_3", "A policy forbids init scripts and other clusters than jobs'",
                 ["databricks_cluster_policy"]),
    WrittenByOne("CKV_CDH_4", "Storage is written by one workspace",
                 ["databricks_external_location", "databricks_workspace_binding"]),
    NoPersonTold("CKV_CDH_5", "Messages go to no person",
                 ["databricks_alert_v2", "databricks_job", "databricks_notification_destination"]),
)  # fmt: skip
