"""A little repository with one stack, written by hand, for the real terraform and the provider stand-in."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from sandbox.terraform import Terraform
from sandbox.terraform_output import json_line
from sandbox.workspace import Workspace

ROOT = Path(__file__).parents[3]
FACTS = ROOT.parent / "shared" / "data" / "provider_schema"
WHEEL = {"package_name": "jobs", "entry_point": "m"}
Resources = dict[str, dict[str, dict[str, Any]]]


class Project:
    """One stage ``dev`` whose workspace is ``dbw-test``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repo"
        self.stack = self.folder / "cdktf.out" / "stacks" / "dev"
        self.stack.mkdir(parents=True)
        (self.folder / ".cache").symlink_to(ROOT / ".cache")
        (ROOT / ".cache").mkdir(exist_ok=True)
        self.terraform = Terraform(folder / "home", self.folder)

    @property
    def workspace(self) -> Workspace:
        return Workspace.named(self.terraform.home, "dbw-test")

    def write(self, resources: Resources, **more: Any) -> None:
        prefix = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Databricks/workspaces"
        document = {
            "//": {"metadata": {"backend": "azurerm", "stackName": "dev", "version": "0.21.0"}, "outputs": {}},
            "terraform": {
                "backend": {"azurerm": {"key": "dev.tfstate"}},
                "required_providers": {"databricks": {"source": "databricks/databricks", "version": "1.99.0"}},
            },
            "provider": {"databricks": [{"azure_workspace_resource_id": f"{prefix}/dbw-test"}]},
            "resource": resources,
            **more,
        }
        stack = {
            "annotations": [],
            "constructPath": "dev",
            "dependencies": [],
            "name": "dev",
            "synthesizedStackPath": "stacks/dev/cdk.tf.json",
            "workingDirectory": "stacks/dev",
        }
        (self.stack / "cdk.tf.json").write_text(json.dumps(document))
        manifest = {"version": "0.21.0", "stacks": {"dev": stack}}
        (self.folder / "cdktf.out" / "manifest.json").write_text(json.dumps(manifest))

    def plan(self, resources: Resources | None = None, **more: Any) -> dict[str, str]:
        """Address -> action."""
        if resources is not None:
            self.write(resources, **more)
        return dict(self.terraform.plan("dev").actions)

    def apply(self, resources: Resources, **more: Any) -> None:
        """Apply what must be applied without an error."""
        errors = self.try_apply(resources, **more)
        assert not errors, errors

    def try_apply(self, resources: Resources, **more: Any) -> str:
        """The errors of an apply, empty when there is none."""
        self.write(resources, **more)
        if not (self.stack / ".terraform").exists():
            self.terraform._ready("dev", lambda line: None)
        command = ["terraform", "apply", "-auto-approve", "-input=false", "-json"]
        ran = subprocess.run(command, cwd=self.stack, env=self.terraform.environment(), capture_output=True, text=True)
        told = [json_line(line) for line in ran.stdout.splitlines()]
        found = [message["diagnostic"] for message in told if message.get("diagnostic", {}).get("severity") == "error"]
        errors = [f"{item.get('address', '')} {item['summary']} {item['detail']}" for item in found]
        assert bool(errors) == bool(ran.returncode), ran.stdout + ran.stderr
        return " ".join(" ".join(errors).split())

    def state(self, address: str) -> dict[str, Any]:
        """The attributes that terraform's state holds of one resource."""
        type_name, name = address.split(".")
        for resource in json.loads(self.workspace.state.read_text())["resources"]:
            if (resource["type"], resource["name"]) == (type_name, name):
                return dict(resource["instances"][0]["attributes"])
        raise KeyError(address)


def catalog(*, force: bool = True) -> Resources:
    """A catalog with one schema."""
    return {
        "databricks_catalog": {"c": {"name": "cdh_test", "force_destroy": force}},
        "databricks_schema": {"s": {"catalog_name": "${databricks_catalog.c.name}", "name": "ml"}},
    }


def volume(name: str = "artifacts") -> dict[str, Any]:
    return {
        "catalog_name": "cdh_test",
        "schema_name": "${databricks_schema.s.name}",
        "name": name,
        "volume_type": "MANAGED",
    }


def job(*keys: str, **more: Any) -> dict[str, Any]:
    """A job with tasks of these keys, in this order."""
    return {"name": "j", "task": [{"task_key": key, "python_wheel_task": [WHEEL]} for key in keys], **more}
