"""`mlops doctor --azure` and `mlops inputs`: what is missing is named, and the exit code says whether anything is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli import azure
from infra import inputs
from infra.placeholders import placeholders

ROOT = Path(__file__).parents[2]
OURS = inputs.load().subscription_id


def az(*, signed_in: bool = True, subscription: str = OURS, registered: str = "Registered"):
    """Azure's command line, as it answers."""

    def ask(command):
        if command[:3] == ["az", "account", "show"]:
            return subprocess.CompletedProcess(command, 0 if signed_in else 1, f"{subscription}\n", "")
        assert command[:3] == ["az", "provider", "show"]
        return subprocess.CompletedProcess(command, 0, f"{registered}\n", "")

    return ask


@pytest.fixture
def programs(monkeypatch):
    """Which programs this machine has."""

    def there(*names: str) -> None:
        monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name in names else None)

    return there


def missing(**answers) -> list[str]:
    return [one.what for one in azure.preconditions(az(**answers)) if not one.good]


def test_what_az_knows_is_asked_and_what_is_missing_is_named_with_the_command_that_mends_it(programs):
    programs("az", "terraform", "databricks")
    assert missing() == []
    assert missing(signed_in=False) == ["signed in to Azure"]
    assert missing(subscription="7d3c9a10-0000-4b6e-9c11-5f0e2a9b8c7d") == ["signed in to the inputs' subscription"]
    unregistered = [one for one in azure.preconditions(az(registered="NotRegistered")) if not one.good]
    assert len(unregistered) == 8
    assert unregistered[1].how == "az provider register --namespace Microsoft.Databricks"
    assert unregistered[1].found == "NotRegistered"


def test_without_az_nothing_is_asked_and_its_absence_is_named(programs):
    programs("terraform")

    def never(command):
        raise AssertionError(command)

    found = {one.what: one for one in azure.preconditions(never)}
    assert [name for name, one in found.items() if not one.good] == ["az", "databricks", "signed in to Azure"]
    assert found["signed in to Azure"].found == "not asked: az is missing"


def test_an_az_that_hangs_is_told_and_does_not_hang_the_doctor(programs):
    programs("az", "terraform", "databricks")

    def hangs(command):
        raise subprocess.TimeoutExpired(command, 30)

    (one,) = [one for one in azure.preconditions(hangs) if not one.good]
    assert (one.what, one.found) == ("signed in to Azure", "az does not answer")


def test_the_resource_providers_are_those_of_the_types_in_use():
    guide = (ROOT / "docs" / "first-deployment.md").read_text(encoding="utf-8")
    # azurerm's documentation, "Resource Provider Registrations"; by the types that the Azure stacks have.
    document = json.loads((ROOT / "tests" / "golden" / "azure-prod.tf.json").read_text(encoding="utf-8"))
    kinds = {address.split(".")[0].removeprefix("azurerm_") for address in document["resource"]}
    namespaces = {
        "databricks_workspace": "Databricks", "virtual_network": "Network", "storage_account": "Storage",
        "key_vault": "KeyVault", "log_analytics_workspace": "OperationalInsights", "monitor_action_group": "Insights",
        "user_assigned_identity": "ManagedIdentity", "consumption_budget_resource_group": "Consumption",
    }  # fmt: skip
    assert set(namespaces) <= kinds
    assert set(azure.RESOURCE_PROVIDERS) == {f"Microsoft.{one}" for one in namespaces.values()}
    assert all(f"`{one}`" in guide for one in azure.RESOURCE_PROVIDERS)


def test_the_doctor_names_every_placeholder_with_its_value_and_ends_with_1(programs, capsys, monkeypatch):
    programs("az", "terraform", "databricks")
    monkeypatch.setattr("infra.placeholders.FILE", ROOT / "tests" / "infra" / "inputs.json")
    with pytest.raises(SystemExit) as ended:
        azure.examine(az())
    assert ended.value.code == 1
    told = capsys.readouterr().out
    left = placeholders()
    assert f"{len(left)} placeholders left" in told
    assert len(left) == 59
    for one in left:
        assert f"{one.path} = {one.value}  (for " in told
    for line in (*azure.CHECKLIST, "stages.*.network: a private network"):
        assert line in told


def test_the_doctor_ends_with_0_when_nothing_is_missing(programs, capsys, monkeypatch):
    programs("az", "terraform", "databricks")
    monkeypatch.setattr(azure, "placeholders", list)
    azure.examine(az())
    assert "no placeholder left" in capsys.readouterr().out


def test_the_command_line_tells_a_wrong_file_in_one_line_and_touches_nothing(tmp_path):
    file, before = tmp_path / "bad.json", inputs.FILE.read_bytes()
    file.write_text("[]")
    ran = subprocess.run([sys.executable, "-m", "cli", "inputs", str(file)], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "entries = 0 is not valid; valid: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert inputs.FILE.read_bytes() == before
