"""The stages as files under version control, so that a reviewer sees in a diff what a change does to each.

No proof of anything: after a change that is meant, write them again with `pytest tests/infra --accept`.
"""

from __future__ import annotations

import json
import re

import pytest
from infra_documents import ROOT, addresses

from infra.layers import STACKS
from infra.stages import StageName

HASHES = re.compile(
    r'(?<=wheels/)[0-9a-f]{12}(?=/)|(?<="code": ")[0-9a-f]{12}(?=")|(?<=-)[0-9a-f]{12}(?=\.(?:json|txt)")'
)


EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])


def check_golden(name, document, request, keys):
    file = ROOT / "tests" / "golden" / f"{name}.tf.json"
    shown = {key: document[key] for key in keys if key in document} | {"resource": addresses(document)}
    text = HASHES.sub("<code>", json.dumps(shown, indent=1, sort_keys=True)) + "\n"
    if request.config.getoption("--accept", default=False):
        file.write_text(text, encoding="utf-8")
    assert file.is_file(), f"no {file.relative_to(ROOT)}: pytest tests/infra --accept"
    golden, now = json.loads(file.read_text(encoding="utf-8"))["resource"], json.loads(text)["resource"]
    different = sorted(one for one in golden.keys() | now.keys() if golden.get(one) != now.get(one))
    assert different == [], "meant? then: pytest tests/infra --accept"
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.clause("C2")
@EVERY
def test_a_stage_is_as_its_golden_file_has_it(documents, stage, request):
    check_golden(stage, documents[stage], request, ("provider", "terraform", "variable"))


@EVERY
def test_an_azure_stack_is_as_its_golden_file_has_it(azure_documents, stage, request):
    check_golden(f"azure-{stage}", azure_documents[stage], request, ("output", "provider", "terraform", "variable"))


def test_the_account_is_as_its_golden_file_has_it(account_document, request):
    check_golden("account", account_document, request, ("provider", "terraform", "variable"))


def test_there_is_a_golden_file_of_every_stack_and_of_no_other():
    found = {path.name.removesuffix(".tf.json") for path in (ROOT / "tests" / "golden").glob("*.tf.json")}
    assert found == set(STACKS)


def test_a_golden_file_keeps_application_ids_and_hides_hashes():
    kept = '"id": "00000000-0000-4000-8001-000000000001", "path": "requirements/ml_cpu-0123456789ab.txt", "code": "0123456789ab"'
    assert HASHES.sub("<code>", kept) == kept.replace("0123456789ab", "<code>")
