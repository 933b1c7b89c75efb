"""Every stack as it is written, in the sandbox: the real terraform validates, plans and applies it, and rests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nightly
import pytest

from infra import inputs
from sandbox.terraform import Terraform
from sandbox.terraform_output import applied

ROOT = Path(__file__).parents[2]
STAGES = ("dev", "validation", "prod")
STACKS = (*(f"azure-{name}" for name in STAGES), "account", *STAGES)


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Terraform:
    """The seven documents of this repository, and an empty sandbox."""
    folder = tmp_path_factory.mktemp("seven")
    repo = folder / "repo"
    repo.mkdir()
    (repo / ".cache").symlink_to(ROOT / ".cache")
    environment = {**os.environ, "CDKTF_OUTDIR": str(repo / "cdktf.out")}
    subprocess.run([sys.executable, "-m", "infra"], cwd=ROOT, env=environment, check=True, capture_output=True)
    return Terraform(folder / "home", repo)


def rests(house: Terraform, stack: str) -> int:
    """Validate, apply, plan again; how many resources there are now."""
    folder = house._ready(stack, lambda line: None)
    declared = sum(map(len, json.loads((folder / "cdk.tf.json").read_text())["resource"].values()))
    for command in (["validate"], ["apply", "-auto-approve", "-input=false"]):
        ran = subprocess.run(
            ["terraform", *command, "-json"], cwd=folder, env=house.environment(), capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr
    done = applied(ran.stdout.splitlines())
    assert (done.added, done.changed, done.destroyed) == (declared, 0, 0)
    again = house.plan(stack)
    assert again.actions == ()
    return declared


def test_the_account_is_applied_and_a_second_plan_changes_nothing(house):
    assert rests(house, "account") > 50
    ours, through = house.workspace("account"), house.home / "dbw-cdh-prod"
    assert ours.name == f"account-{inputs.load().account_id}"
    assert {item.type for item in ours.store.list()} == {
        f"databricks_{one}"
        for one in (
            "access_control_rule_set", "budget_policy", "metastore_assignment", "mws_permission_assignment",
            "service_principal", "service_principal_federation_policy",
        )
    }  # fmt: skip
    assert (through / "resources.sqlite").exists(), "system schemas and grants on the metastore go through a workspace"
    assert not (through / "terraform.tfstate").exists()


# A demo applies the three workspaces; the three of Azure differ in their figures alone.
@pytest.mark.clause("O1")
@pytest.mark.parametrize(
    "stack", nightly.split([name for name in STACKS if name != "account"], lambda name: name == "azure-prod")
)
def test_a_stack_is_validated_planned_and_applied_and_its_second_plan_is_empty(house, stack):
    assert rests(house, stack) > 50
