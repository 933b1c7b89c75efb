"""The UCI 130-hospitals set as a dataset frame, made with pandas alone: an outside reference for the pure parts."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pandas as pd

ZIP = Path(__file__).parents[3] / "shared" / "data" / "readmission_uci130" / "dataset_diabetes.zip"
NOT_AT_RISK = (11, 13, 14, 19, 20, 21)
CHAPTERS = (
    (139, "infection"), (239, "neoplasm"), (279, "endocrine"), (289, "blood"), (319, "mental"), (389, "nervous"),
    (459, "circulatory"), (519, "respiratory"), (579, "digestive"), (629, "genitourinary"), (679, "pregnancy"),
    (709, "skin"), (739, "musculoskeletal"), (759, "congenital"), (779, "perinatal"), (799, "symptom"),
    (999, "injury"),
)  # fmt: skip


def chapter(code: object) -> str | None:
    """The ICD-9 chapter of a code; diabetes apart."""
    text = str(code)
    if text in ("?", "nan"):
        return None
    if text[0] in "EV":
        return text[0]
    number = float(text)
    return "diabetes" if 250 <= number < 251 else next(name for last, name in CHAPTERS if int(number) <= last)


def dataset() -> pd.DataFrame:
    """One row an encounter that leaves its person at risk: keys, f_ columns, outcome."""
    with zipfile.ZipFile(ZIP) as outer:
        member = next(name for name in outer.namelist() if name.endswith("diabetic_data.csv"))
        raw = pd.read_csv(io.BytesIO(outer.read(member)), na_values=["?"], keep_default_na=False, low_memory=False)
    raw = raw[~raw["discharge_disposition_id"].isin(NOT_AT_RISK)].sort_values("encounter_id", ignore_index=True)
    frame = pd.DataFrame(
        {
            "person_id": raw["patient_nbr"],
            "visit_occurrence_id": raw["encounter_id"],
            "encounter_order": raw.index + 1,
            "outcome": (raw["readmitted"] == "<30").astype(int),
            "f_sex": raw["gender"],
            "f_age_band": raw["age"],
        }
    )
    numbers = [
        "time_in_hospital", "num_lab_procedures", "num_procedures", "num_medications", "number_outpatient",
        "number_emergency", "number_inpatient", "number_diagnoses",
    ]  # fmt: skip
    codes = ["admission_type_id", "discharge_disposition_id", "admission_source_id"]
    texts = [
        "race", "payer_code", "medical_specialty", "max_glu_serum", "A1Cresult", "metformin", "insulin", "change", "diabetesMed",
    ]  # fmt: skip
    for name in numbers:
        frame[f"f_{name}"] = raw[name]
    for name in codes + texts:
        frame[f"f_{name}"] = raw[name].astype(str)
    for name in ("diag_1", "diag_2", "diag_3"):
        frame[f"f_{name}"] = raw[name].map(chapter)
    return frame
