"""One spelling a code, by its vocabulary; expectations are codes as their vocabularies publish them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.code_systems import SYSTEMS, above, system_of, zeros_restored
from workflows.errors import DeclarationError

SPELLED = [
    # vocabulary, as it is found, as the vocabulary writes it (None: no code of it)
    ("ICD10CM", "I50.9", "I50.9"),
    ("ICD10CM", " i509 ", "I50.9"),
    ("ICD10CM", "S72001A", "S72.001A"),
    ("ICD10CM", "C4A", "C4A"),
    ("ICD10CM", "I5.09", None),
    ("ICD10CM", "I50.9.1", None),
    ("ICD10CM", "M61511M61512", None),
    ("ICD10CM", "4280", None),
    ("ICD9CM", "25083", "250.83"),
    ("ICD9CM", "042", "042"),
    ("ICD9CM", "E8800", "E880.0"),
    ("ICD9CM", "E880.0", "E880.0"),
    ("ICD9CM", "V5789", "V57.89"),
    ("ICD9CM", "38", None),
    ("ICD9CM", "٤٢٨", None),
    ("ICD9CM", "E11.9", None),
    ("ICD9Proc", "3615", "36.15"),
    ("ICD10PCS", "0DTJ4ZZ", "0DTJ4ZZ"),
    ("ICD10PCS", "0DTO4ZZ", None),
    ("CPT4", "99213", "99213"),
    ("CPT4", "Q02.40", None),
    ("CPT4", "0031A", "0031A"),
    ("HCPCS", "j0696", "J0696"),
    ("LOINC", "4548-4", "4548-4"),
    ("LOINC", "4548", None),
    ("NDC", "0071-0155-23", "00071015523"),
    ("NDC", "50242-040-62", "50242004062"),
    ("NDC", "00071015523", "00071015523"),
    ("CVX", "8", "08"),
    ("SNOMED", "74474003", "74474003"),
    ("RxNorm", "213469", "213469"),
    ("UCI130 drug", "glyburide-metformin", "glyburide-metformin"),
]


@pytest.mark.clause("F4")
@pytest.mark.parametrize(("vocabulary", "found", "wanted"), SPELLED)
def test_a_code_has_one_spelling_in_its_vocabulary_or_none(vocabulary, found, wanted):
    assert SYSTEMS[vocabulary].spelled(found) == wanted


@pytest.mark.parametrize("vocabulary", SYSTEMS)
def test_the_example_of_a_vocabulary_is_in_its_one_spelling(vocabulary):
    system = SYSTEMS[vocabulary]
    assert system.spelled(system.example) == system.example


@given(st.sampled_from(sorted(SYSTEMS)), st.text(alphabet="0123456789AEVZ.-", min_size=1, max_size=12))
def test_spelling_twice_changes_nothing_and_the_dot_carries_no_meaning(vocabulary, text):
    system = SYSTEMS[vocabulary]
    if (once := system.spelled(text)) is not None:
        assert system.spelled(once) == once
        if vocabulary.startswith("ICD"):
            assert system.spelled(once.replace(".", "")) == once


@pytest.mark.parametrize(
    ("found", "wanted"), [("8", "008"), ("38.9", "038.9"), ("428", "428"), ("V57", "V57"), ("E885", "E885")]
)
def test_an_icd9_code_that_lost_its_zeros_gets_them_back(found, wanted):
    assert zeros_restored(found) == wanted


def test_above_a_code_stand_its_headers_and_only_icd_has_them():
    assert above("ICD9CM", "250.83") == ("250.8", "250")
    assert above("ICD9CM", "E880.0") == ("E880",)
    assert above("ICD10CM", "S72.001A") == ("S72.001", "S72.00", "S72.0", "S72")
    assert above("LOINC", "4548-4") == above("ICD9CM", "042") == ()


def test_a_vocabulary_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(DeclarationError, match=r"vocabulary_id = 'ICD' is not valid; valid: CPT4, CVX, .*ICD10CM"):
        system_of("ICD", "chronic_conditions")
