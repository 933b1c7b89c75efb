"""Each rule kills its fixture, nothing else is killed by it, and nothing of ours is found."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
from lint_fixtures import FIXTURES

from infra import layers
from infra.lint.rules import RULES, findings, refuse
from workflows.errors import DeclarationError

DIGEST = Path(__file__).parents[3] / "shared" / "reference" / "databricks.md"
CASES = pytest.mark.parametrize(
    ("rule", "address", "change"), FIXTURES, ids=[f"{rule} {change.__name__}" for rule, _, change in FIXTURES]
)


@pytest.mark.parametrize("stage", list(layers.WORKSPACE))
def test_nothing_is_found_in_the_stages(documents, stage):
    assert findings(documents[stage], stage) == []


def test_nothing_is_found_in_the_azure_stacks(azure_documents):
    assert [found for name, document in azure_documents.items() for found in findings(document, name)] == []


@CASES
def test_a_rule_kills_its_fixture_and_names_address_value_and_thread(documents, rule, address, change):
    document = copy.deepcopy(documents["prod"])
    change(document["resource"])
    assert document != documents["prod"], "the fixture changes nothing"
    assert (rule, address) in {(one.id, found.address) for one, found in findings(document, "prod")}
    others = [one for one in RULES if one.id != rule]
    without = {(one.id, found.address) for one, found in findings(document, "prod", others)}
    assert not [one for one in without if one[0] == rule]
    with pytest.raises(DeclarationError) as refused:
        refuse(document, "prod")
    assert re.search(r"stack prod; rule [JAO]\d: .* github\.com/", str(refused.value))
    assert "valid: " in str(refused.value)


def test_every_rule_has_a_fixture_a_sentence_and_a_thread_of_its_own():
    assert {rule for rule, _, _ in FIXTURES} == {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len({rule.sentence for rule in RULES}) == len(RULES)
    assert all(rule.sentence.endswith(".") for rule in RULES)


@pytest.mark.skipif(not DIGEST.exists(), reason="the digest of threads is not beside the project")
def test_every_rule_was_taught_by_a_thread_of_the_digest():
    section = DIGEST.read_text().partition("## 2.")[2].partition("## 3.")[0]
    short = {f"{tool}#{number}" for tool, number in re.findall(r"\b(tf|cli|mls|cdktf)#(\d+)", section)}
    known = set(re.findall(r"github\.com/[\w./-]+/issues/\d+", section))
    for rule in RULES:
        tool = "cli" if "/cli/" in rule.thread else "tf"
        assert rule.thread in known or f"{tool}#{rule.thread.rpartition('/')[2]}" in short, rule
