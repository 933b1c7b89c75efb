"""The tables of reference data: what lookup keys are validated against.

Vocabularies as OHDSI's Athena delivers them (https://ohdsi.github.io/CommonDataModel/cdm54.html#vocabulary_tables) lie
in the `ml` zone, since every dataset shares them; code files of CDC, CMS and AHRQ in `reference`.
"""

from workflows.contract import Column, Contract
from workflows.rules import Rule, not_before


def public(name: str, kind: str, meaning: str, *, nullable: bool = False, allowed: tuple[str, ...] = ()) -> Column:
    """A column that tells of nobody."""
    return Column(
        name=name, type=kind, nullable=nullable, allowed=allowed, meaning=meaning, classification="public"
    )  # fmt: skip


def text(name: str, meaning: str, *, nullable: bool = False, allowed: tuple[str, ...] = ()) -> Column:
    """A column of text."""
    return public(name, "string", meaning, nullable=nullable, allowed=allowed)


def number(name: str, meaning: str) -> Column:
    """A whole number that is always there."""
    return public(name, "long", meaning)


def flag(name: str, meaning: str) -> Column:
    """Yes or no."""
    return public(name, "boolean", meaning)


VALID = (
    public("valid_start_date", "date", "first day on which it is valid"),
    public("valid_end_date", "date", "last day on which it is valid"),
    text("invalid_reason", "D deleted, U replaced, empty while valid", nullable=True),
)
ORDER = (not_before("valid_end_date", "valid_start_date"),)

VOCABULARIES = (
    Contract(
        table="concept",
        meaning="one row a concept of any vocabulary",
        key=("concept_id",),
        columns=(
            number("concept_id", "concept"),
            text("concept_name", "name"),
            text("domain_id", "what kind of event it names"),
            text("vocabulary_id", "vocabulary"),
            text("concept_class_id", "class within its vocabulary; says which codes of ICD are headers"),
            text("standard_concept", "S standard, C classification", nullable=True, allowed=("S", "C")),
            text("concept_code", "code in its vocabulary"),
            *VALID,
        ),
        rules=ORDER,
    ),
    Contract(
        table="concept_relationship",
        meaning="one row a relation from one concept to another",
        key=("concept_id_1", "concept_id_2", "relationship_id"),
        columns=(
            number("concept_id_1", "from"),
            number("concept_id_2", "to"),
            text("relationship_id", "relation, such as Maps to"),
            *VALID,
        ),
        rules=ORDER,
    ),
    Contract(
        table="concept_ancestor",
        meaning="one row an ancestor and one of its descendants, itself included",
        key=("ancestor_concept_id", "descendant_concept_id"),
        columns=(
            number("ancestor_concept_id", "ancestor"),
            number("descendant_concept_id", "descendant"),
            number("min_levels_of_separation", "levels on the shortest way"),
            number("max_levels_of_separation", "levels on the longest way"),
        ),
        rules=(
            Rule(
                id="longest_way_not_shorter",
                condition="max_levels_of_separation >= min_levels_of_separation",
                meaning="the longest way not shorter than the shortest",
            ),
        ),
    ),
)

CODES = (
    Contract(
        table="vocabulary",
        meaning="one row a vocabulary of the bundle, with its release",
        key=("vocabulary_id",),
        columns=(
            text("vocabulary_id", "vocabulary"),
            text("vocabulary_name", "name"),
            text("vocabulary_reference", "where it comes from", nullable=True),
            text("vocabulary_version", "release", nullable=True),
            number("vocabulary_concept_id", "the concept of the vocabulary itself"),
        ),
    ),
    Contract(
        table="icd10cm",
        meaning="one row a code of ICD-10-CM, headers included",
        key=("concept_code",),
        columns=(
            text("concept_code", "code with its dot"),
            flag("is_billable", "false for a header"),
            text("short_name", "short description"),
            text("concept_name", "description"),
        ),
    ),
    Contract(
        table="icd9cm_ccs",
        meaning="one row a billable code of ICD-9-CM, with its category of AHRQ's single-level CCS",
        key=("concept_code",),
        columns=(
            text("concept_code", "code with its dot"),
            number("ccs_category", "category"),
            text("ccs_category_name", "name of the category"),
            text("concept_name", "description"),
        ),
    ),
    *(
        Contract(
            table=table,
            meaning=f"one row a way from a code of {source} to one of {target}, by CMS's general equivalence maps",
            key=("source_code", "target_code", "scenario", "choice_list"),
            columns=(
                text("source_vocabulary_id", "vocabulary mapped from"),
                text("source_code", "code mapped from"),
                text("target_vocabulary_id", "vocabulary mapped to"),
                text("target_code", "code mapped to; empty where there is none", nullable=True),
                flag("is_approximate", "the two do not mean exactly the same"),
                number("scenario", "which combination of codes"),
                number("choice_list", "which place in the combination"),
            ),
        )
        for table, source, target in (
            ("icd9cm_icd10cm_gem", "ICD9CM", "ICD10CM"), ("icd9proc_icd10pcs_gem", "ICD9Proc", "ICD10PCS")
        )
    ),
)  # fmt: skip

CONTRACTS = {one.table: one for one in (*VOCABULARIES, *CODES)}
NAMES = {one.table: f"ml.{one.table}" for one in VOCABULARIES} | {one.table: f"reference.{one.table}" for one in CODES}
