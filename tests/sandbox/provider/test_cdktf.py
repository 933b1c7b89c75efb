"""The real cdktf deploys a stack into the sandbox; the synthesized file stays as it is."""

from __future__ import annotations

import json
import subprocess
import time

import psutil
import pytest
from provider_project import ROOT, Project, catalog, job

from sandbox.errors import TerraformError
from sandbox.terraform_output import Applied, applied, errors, planned, progress

CDKTF = ROOT / "node_modules" / ".bin" / "cdktf"


@pytest.mark.skipif(not CDKTF.exists(), reason="cdktf is not installed; `make demo` installs it")
def test_cdktf_deploys_the_byte_identical_stack_and_a_faulty_one_says_why(project):
    (project.folder / "node_modules").symlink_to(ROOT / "node_modules")
    app = {"language": "python", "app": "true", "projectId": "0", "sendCrashReports": "false"}
    (project.folder / "cdktf.json").write_text(json.dumps(app))
    project.write(catalog() | {"databricks_job": {"j": job("a")}})
    synthesized = (project.stack / "cdk.tf.json").read_bytes()
    told: list[str] = []
    assert project.terraform.deploy("dev", told.append) == Applied(added=3, changed=0, destroyed=0)
    assert (project.stack / "cdk.tf.json").read_bytes() == synthesized
    assert "Plan: 3 to add, 0 to change, 0 to destroy." in told
    assert any(line.startswith("databricks_job.j: Creation complete") for line in told)
    assert project.plan() == {}

    faulty = catalog() | {"databricks_grants": {"g": {"schema": "cdh_test.nope", "grant": [_select()]}}}
    project.write(faulty)
    with pytest.raises(TerraformError) as caught:
        project.terraform.deploy("dev")
    assert str(caught.value) == "databricks_grants.g: cannot create grants: Schema 'cdh_test.nope' does not exist"


def _select() -> dict[str, object]:
    return {"principal": "a", "privileges": ["SELECT"]}


def test_the_provider_ends_when_terraform_is_killed(project: Project):
    project.write({"databricks_job": {f"j{n}": job("a") for n in range(60)}})
    project.terraform._ready("dev", lambda line: None)
    command = ["terraform", "apply", "-auto-approve", "-input=false"]
    terraform = subprocess.Popen(
        command, cwd=project.stack, env=project.terraform.environment(), stdout=subprocess.DEVNULL
    )
    found: list[psutil.Process] = []
    while not found:
        assert terraform.poll() is None
        found = [child for child in psutil.Process(terraform.pid).children() if _is_provider(child)]
        time.sleep(0.01)
    terraform.kill()
    terraform.wait()
    gone, alive = psutil.wait_procs(found, timeout=30)
    assert (len(gone), alive) == (len(found), [])


def _is_provider(process: psutil.Process) -> bool:
    try:
        return "sandbox.provider" in process.cmdline()
    except psutil.Error:
        return False


BOXED = """\
     Plan: 1 to add, 0 to change, 0 to destroy.

dev  ╷
     │ Error: cannot create schema: Schema 'cdh_dev.ml' already exists; it was
     │ made by hand
     │
     │   with databricks_schema.ml (zones/ml),
     │   on cdk.tf.json line 40, in resource.databricks_schema:
     │   40:     "ml": {
     │
     ╵
     Error: Reference to undeclared resource

       on cdk.tf.json line 9, in resource.databricks_job.j:
       9:    "name": "x"

     A managed resource "a" "b" has not been declared.
0 Stacks deploying     1 Stack done     0 Stacks waiting
Invoking Terraform CLI failed with exit code 1
"""


def test_errors_are_told_once_without_frames_and_line_numbers():
    assert errors(BOXED.splitlines() * 2).splitlines() == [
        "databricks_schema.ml: cannot create schema: Schema 'cdh_dev.ml' already exists; it was made by hand",
        'Reference to undeclared resource. A managed resource "a" "b" has not been declared',
    ]


def test_output_without_a_marked_error_gives_its_last_lines():
    output = ["Synthesizing", "infra: stage 'x' is unknown", "    at Object.run (index.js:1)", ""]
    assert errors(output) == "Synthesizing\ninfra: stage 'x' is unknown"


def test_totals_and_progress_are_read_from_both_tools():
    assert applied(["x", "dev  Apply complete! Resources: 3 added, 2 changed, 1 destroyed."]) == Applied(3, 2, 1)
    assert applied(['{"@message":"Destroy complete! Resources: 4 destroyed."}']) == Applied(0, 0, 4)
    line = "dev  databricks_job.j (train/job): Creation complete after 0s [id=1]"
    assert progress(line) == "databricks_job.j: Creation complete after 0s [id=1]"
    assert progress("         + name = (known after apply)") is None


def test_a_plans_changes_are_read_from_its_json_lines():
    change = {"resource": {"addr": "databricks_job.j"}, "action": "update"}
    lines = [json.dumps({"type": "planned_change", "change": change}), "not json", json.dumps({"type": "outputs"})]
    assert planned(lines).actions == (("databricks_job.j", "update"),)
