"""What is wrong with an input, a cluster or a declaration is told in one line: file, field, value, valid ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from infra_documents import PLACEHOLDERS, ROOT

from infra import clusters, inputs
from infra.__main__ import main
from infra.stages import StageName
from workflows.errors import DeclarationError


def edited(**changes):
    read = json.loads(PLACEHOLDERS.read_text())
    for path, value in changes.items():
        *parents, last = path.split("__")
        part = read
        for parent in parents:
            part = part[parent.replace("_", "-") if parent.startswith("sp_") else parent]
        key = last.replace("_", "-") if last.startswith("sp_") else last
        if value is None:
            del part[key]
        else:
            part[key] = value
    return json.dumps(read)


def test_every_application_id_is_used_once():
    read = inputs.load()
    ids = [one for stage in StageName for one in read.application_ids[stage].values()]
    assert len(ids) == len(set(ids)) == 15


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stages__dev__service_principals__sp_train": "me"}, "dev: service_principals.sp-train = 'me'.*valid: a UUID"),
        ({"stages__prod__service_principals__sp_train": None}, "prod: service_principals.sp-train = None.*missing"),
        ({"stages__test": {}}, "stages = 'test' is not valid; valid: dev, validation, prod"),
        (
            {"stages__dev__service_principals__sp_fly": "x"},
            "dev: service_principals = 'sp-fly'.*sp-deploy, sp-featurize",
        ),
        ({"alert_address": "nobody"}, "alert_address = 'nobody'.*an e-mail address"),
        ({"account_id": "ABC"}, "account_id = 'ABC'.*lower case"),
        ({"stages": []}, r"stages = \[\] is not valid; valid: an object with dev, validation, prod"),
        (
            {"stages__dev__service_principals__sp_train": "00000000-0000-4000-8003-000000000005"},
            "prod: service_principals.sp-train = .*UUID of its own; dev.sp-train has it",
        ),
        ({"azure__location": "East US 2"}, "azure.location = 'East US 2'.*valid: an Azure region, such as eastus2"),
        ({"azure__name_suffix": "toolong"}, "azure.name_suffix = 'toolong'.*1 to 6 lower-case letters"),
        ({"azure__budget_from": "2026-13"}, "azure.budget_from = '2026-13'.*a month"),
        ({"azure__ci_issuer": "http://pipelines.cdh.example"}, "azure.ci_issuer = 'http:.*an https address"),
        ({"azure__cost_center": ""}, "azure.cost_center = ''.*1 to 64"),
        ({"azure__databricks_object_id": "2ff8"}, "azure.databricks_object_id = '2ff8'.*a UUID"),
        ({"azure__tenant_id": None}, "azure.tenant_id = None.*missing"),
        ({"azure__region": "eastus2"}, "azure = 'region'.*budget_from, ci_issuer"),
        ({"azure__owner": "nobody"}, "azure.owner = 'nobody'.*an e-mail address"),
        ({"stages__dev__network": "10.110.0.0/25"}, "dev: network = '10.110.0.0/25'.*from /16 to /24"),
        ({"stages__dev__network": "8.8.0.0/16"}, "dev: network = '8.8.0.0/16'.*a private IPv4 network"),
        ({"stages__dev__network": "10.110.0.1/20"}, "dev: network = '10.110.0.1/20'.*such as 10.110.0.0/20"),
        ({"metastore_id": "primary"}, "metastore_id = 'primary'.*a UUID"),
        ({"stages__dev__workspace_id": "12"}, "dev: workspace_id = '12'.*a whole number from 1, without quotes"),
        ({"stages__dev__workspace_id": True}, "dev: workspace_id = True"),
        ({"stages__prod__workspace_id": 1}, "prod: workspace_id = 1.*a number of its own; dev has it"),
        ({"groups": []}, r"groups = \[\].*an object with cdh-ml-principal-investigators"),
        ({"groups__cdh-ml-architects": None}, "groups.cdh-ml-architects = None.*missing"),
        ({"groups__cdh-ml-architects": 0}, "groups.cdh-ml-architects = 0.*from 1"),
        ({"groups__cdh-ml-architects": 102}, "groups.cdh-ml-architects|groups.cdh-ml-data-managers = 102.*has it"),
        (
            {"groups__cdh-ml-architects-uci130": 5},
            "groups = 'cdh-ml-architects-uci130'.*cdh-ml-feature-analysts-<source>",
        ),
        ({"stages__dev__network": 7}, "dev: network = 7 "),
        ({"stages__prod__network": "10.110.8.0/21"}, "prod: network = .*of its own; dev has 10.110.0.0/20"),
        ({"stages__dev__ci_subject": "repo:cdh/*"}, r"dev: ci_subject = 'repo:cdh/\*'.*one subject"),
        ({"stages__prod__ci_subject": "repo:example/cdh-mlops:environment:dev"}, "prod: ci_subject = .*dev has it"),
        ({"stages__dev__live": ["readmission"]}, r"dev: live = \['readmission'\].*an object: model -> its champion"),
        ({"stages__dev__live": {"readmission": 0}}, "dev: live.readmission = 0 .*a whole number from 1"),
        ({"stages__dev__live": {"readmission": True}}, "dev: live.readmission = True "),
    ],
)
def test_a_wrong_input_is_told_with_file_field_value_and_the_valid_ones(change, told):
    with pytest.raises(DeclarationError, match=f"infra/inputs.json: .*{told}"):
        inputs.parse(edited(**change))


def test_inputs_that_are_no_json_are_told_with_the_line():
    with pytest.raises(DeclarationError, match=r"infra/inputs.json: inputs: line 2 = "):
        inputs.parse('{\n"account_id": }')


def change_cluster(project, **changes):
    file = project / "clusters" / "ml_cpu" / "cluster.json"
    read = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in read.items() if value is not None}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"node_type_id": "Standard_NC24"}, "node_type_id = 'Standard_NC24'.*valid: Standard_D4ads_v5"),
        ({"spark_version": "9.1.x"}, r"spark_version = '9.1.x'.*17.3.x-cpu-ml-scala2.13 \(policies/ml_cpu.json\)"),
        ({"data_security_mode": "NONE"}, "data_security_mode = 'NONE'.*SINGLE_USER"),
        ({"max_workers": 99}, "max_workers = 99.*a number from 1 to 8"),
        ({"max_workers": "four"}, "max_workers = 'four'.*a value of type int"),
        ({"spark_env_vars": {}}, "spark_env_vars.PYTHONHASHSEED = None.*valid: 0"),
        ({"availability": None}, "availability = None.*a value of type str"),
        ({"policy": "gpu"}, "policy = 'gpu'.*valid: bayes, etl, ml_cpu"),
        ({"colour": "blue"}, "field = 'colour'.*valid: availability, "),
        ({"node_type_id": "Standard_NC6s_v3"}, "node_type_id = 'Standard_NC6s_v3'.*valid: Standard_D4ads_v5"),
        ({"policy": "etl"}, r"spark_version = '17.3.x-cpu-ml-scala2.13'.*17.3.x-scala2.13 \(policies/etl.json\)"),
    ],
)
def test_a_cluster_outside_its_policy_is_told_with_what_the_policy_allows(project, changes, told):
    change_cluster(project, **changes)
    with pytest.raises(DeclarationError, match=f"clusters/ml_cpu/cluster.json: ml_cpu: {told}"):
        clusters.load(project)


def test_a_cluster_without_a_lock_file_is_refused(project):
    (project / "clusters" / "ml_cpu" / "requirements.txt").unlink()
    with pytest.raises(DeclarationError, match=r"requirements\.txt = None"):
        clusters.load(project)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "models/readmission.py",
            'cluster="ml_cpu"',
            'cluster="gpu"',
            "readmission: cluster = 'gpu' is not valid; valid: bayes, etl, ml_cpu",
        ),
        ("models/readmission.py", 'source="synthetic_omop"', 'source="nowhere"', "readmission: source = 'nowhere'"),
        ("models/readmission.py", "days(1, 30)", "days(0, 30)", "valid: a window that starts on day 1 or later"),
        ("featurizations/uci130.py", 'cluster="ml_cpu"', 'cluster="gpu"', "uci130: cluster = 'gpu'"),
    ],
)
def test_python_m_infra_tells_a_wrong_declaration_in_one_line_and_ends_with_1(project, capsys, file, old, new, told):
    declared = project / "workflows" / file
    assert old in declared.read_text()
    declared.write_text(declared.read_text().replace(old, new))
    assert main(project) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert file in err
    assert told in err
    assert not (project / "cdktf.out").exists()


@pytest.mark.parametrize(
    ("module", "package", "named_in"),
    [("stacks.stage", "databricks", "providers.py"), ("azure.stack", "azurerm", "azure/providers.py")],
)
def test_a_layer_imports_only_its_binding_and_only_the_parts_in_use(module, package, named_in):
    program = (
        f"import sys; import infra.{module}\n"
        "found = [n for n in sys.modules if n.startswith('cdktf_cdktf_provider')]\n"
        "print(*sorted({n.split('.')[1] for n in found if '.' in n}), *(n for n in ('mlflow', 'pyspark', 'sklearn', 'pandas') if n in sys.modules))\n"
        "print(*sorted({n.split('.')[0] for n in found if '.' in n}))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    parts, packages = ran.stdout.splitlines()
    assert packages == f"cdktf_cdktf_provider_{package}"
    named = re.findall(
        rf"^from cdktf_cdktf_provider_{package}\.(\w+) import", (ROOT / "infra" / named_in).read_text(), re.M
    )
    assert parts.split() == ["_jsii", *sorted(named)], (
        "the bindings have 136 and 1,100 submodules; see infra/__init__.py"
    )


@pytest.mark.parametrize(
    ("asked", "written", "loaded"),
    [
        (["dev", "prod"], ["dev", "prod"], {"databricks"}),
        (["azure-dev", "azure-dev"], ["azure-dev"], {"azurerm"}),
    ],
)
def test_who_asks_for_one_layer_gets_it_and_does_not_pay_for_the_other(tmp_path, asked, written, loaded):
    program = (
        "import sys; from infra.__main__ import main\n"
        f"assert main(wanted={asked}) == 0\n"
        "print(*{n.split('.')[0].rsplit('_', 1)[1] for n in sys.modules if n.startswith('cdktf_cdktf_provider_') and '.' in n})"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CDKTF_OUTDIR": str(tmp_path / "out")}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert set(ran.stdout.split()) == loaded
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert sorted(manifest["stacks"]) == written


@pytest.mark.parametrize("module", ["layers", "inputs", "names", "azure"])
def test_what_is_asked_before_synthesis_starts_no_node_process(module):
    program = f"import sys; import infra.{module}; print('cdktf' in sys.modules, 'jsii' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


def test_a_stack_that_does_not_exist_is_told_with_those_that_do(project, capsys):
    assert main(project, ["dev", "azure-test"]) == 1
    assert capsys.readouterr().err == (
        "error: python -m infra: stack = 'azure-test' is not valid; "
        "valid: dev, validation, prod, azure-dev, azure-validation, azure-prod, account\n"
    )
    assert not (project / "cdktf.out").exists()
