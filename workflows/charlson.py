"""The Charlson comorbidity index: weights of conditions, and which condition includes which.

Charlson et al., Journal of Chronic Diseases 1987;40:373-83. A milder form does not count beside the severe one.
"""

from __future__ import annotations

WEIGHTS: dict[str, int] = {
    "myocardial_infarction": 1,
    "congestive_heart_failure": 1,
    "peripheral_vascular_disease": 1,
    "cerebrovascular_disease": 1,
    "dementia": 1,
    "chronic_pulmonary_disease": 1,
    "rheumatic_disease": 1,
    "peptic_ulcer_disease": 1,
    "mild_liver_disease": 1,
    "diabetes_without_complication": 1,
    "diabetes_with_complication": 2,
    "hemiplegia_or_paraplegia": 2,
    "renal_disease": 2,
    "malignancy": 2,
    "moderate_or_severe_liver_disease": 3,
    "metastatic_solid_tumour": 6,
    "aids_hiv": 6,
}
SEVERE: dict[str, str] = {
    "mild_liver_disease": "moderate_or_severe_liver_disease",
    "diabetes_without_complication": "diabetes_with_complication",
    "malignancy": "metastatic_solid_tumour",
}
