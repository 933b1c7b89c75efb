"""What holds of the fact tables themselves."""

from workflows.source import Column, Contract

PERSON_XREF = Contract(
    table="person_xref", meaning="one row a person: the id in the facts, and the source's own", key=("person_id",),
    columns=(
        Column(
            name="person_id", type="long", nullable=False, classification="identifier",
            meaning="person; the first 63 bits of a hash of the source's id",
        ),
        Column(
            name="person_source_value", type="string", nullable=False, classification="identifier",
            meaning="the person as the source names them",
        ),
    ),
)  # fmt: skip
