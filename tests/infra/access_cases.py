"""Who may do what, as the seed's sentences say it: written by hand, made from nothing.

Below each sentence: allow or deny, who, in which stages, verb, on what. `{own}` is the source a person is cleared for
(every source for who is cleared for none in particular), `{other}` any other; `{model}` and `{othermodel}` are the
models on them, `{purpose}` each of a model's jobs, `{fact}` the featurization of `{own}` and of reference data,
which are no source's. A denial on `*` is of all
that no line allows. A right in capitals asks for the grant itself, owner or not: the deployer must keep it when the
owner changes.
"""

from __future__ import annotations

from access_cases_objects import AROUND
from access_cases_services import OWNED

PERSONS = ["R1", "R2", "R3", "R4", "R5", "R6", "R7"]
SERVICES = ["sp-deploy", "sp-featurize", "sp-promote", "sp-serve", "sp-train"]
# The one principal of another stage: prod's `sp-promote` reads what the validation stage recorded.
READER = "sp-promote@prod"
EVERYONE = [*PERSONS, *SERVICES, READER]
GROUPS = {
    "R1": "cdh-ml-principal-investigators", "R2": "cdh-ml-architects", "R3": "cdh-ml-data-science-analysts",
    "R4": "cdh-ml-data-managers", "R5": "cdh-ml-feature-analysts", "R6": "cdh-ml-mlops-engineers",
    "R7": "cdh-ml-engineers",
}  # fmt: skip
BY_DATASET = ("R1", "R3", "R5")
PURPOSES = ("featurize", "train", "validate", "promote", "score", "monitor", "retrain")

# fmt: off
SAID: tuple[tuple[str, str], ...] = (
*OWNED,
*AROUND,
("Collaboration ensures the possibility to work collaboratively on data, model, and code.", """
allow  R*  all  find  catalog/*
allow  R*  all  use   catalog/*
allow  R*  all  use   schema/ml
allow  R*  all  use   schema/reference
allow  R*  all  read  table/ml.any
allow  R*  all  read  table/reference.any
allow  R1  all  view  job/{model}_{purpose}
allow  R1  all  view  job/{fact}_featurize
allow  R1  all  view  experiment/{model}
allow  R1  all  view  experiment/{model}_validation
"""),
("Owner of Production Model Experiment", """
allow  R1  prod            write   experiment/{model}
allow  R1  prod            manage  experiment/{model}
deny   R1  dev,validation  write   experiment/{model}
deny   R1  all             manage  experiment/{othermodel}
deny   R3  prod            manage  experiment/{model}
"""),
("Registers Experiment Runs as Models for deployment, defines which Production Models are refreshed", """
allow  R1  prod            run      job/{model}_train
allow  R1  prod            run      job/{model}_promote
allow  R1  prod            run      job/{model}_retrain
allow  R1  all             use      schema/{model}
allow  R1  all             read     table/{model}.any
allow  R1  all             execute  model/{model}.{model}
deny   R1  dev,validation  run      job/{model}_promote
deny   R1  prod            run      job/{othermodel}_promote
deny   R1  all             read     table/{othermodel}.any
deny   R1  all             read     table/{own}.any
deny   R1  all             read     table/{own}_ra.any
deny   R1  all             write    table/{model}.any
deny   R1  all             set-alias  model/{model}.{model}
"""),
("designs the architecture and defines the technologies to be used, following a thorough evaluation", """
allow  R2  all  view  job/{model}_{purpose}
allow  R2  all  view  job/{fact}_featurize
allow  R2  all  view  experiment/{model}
allow  R2  all  view  experiment/{model}_validation
deny   R2  all  read  table/{own}.any
deny   R2  all  read  table/{own}_ra.any
deny   R2  all  read  table/{model}.any
deny   R2  all  run   *
deny   R2  all  write  *
deny   R2  all  create  *
"""),
("Data Science Analysts develop featurization data, feature definitions, and explore methods.", """
allow  R3  dev  use     schema/{own}
allow  R3  dev  use     schema/{own}_ra
allow  R3  dev  use     schema/{own}_exploratory
allow  R3  dev  read    table/{own}.any
allow  R3  dev  read    table/{own}_ra.any
allow  R3  dev  read    table/{own}_exploratory.any
allow  R3  dev  read    table/{model}.any
allow  R3  dev  write   table/{own}_exploratory.any
allow  R3  dev  create  schema/{own}_exploratory
allow  R3  dev  run     job/{model}_{purpose}
allow  R3  dev  run     job/{fact}_featurize
allow  R3  dev  write   experiment/{model}
allow  R3  dev  write   experiment/{model}_validation
allow  R3,R5  dev  use  cluster-policy/*
deny   R3  dev  write   table/{own}.any
deny   R3  dev  write   table/{own}_ra.any
deny   R3  dev  read    table/{other}.any
deny   R3  dev  read    table/{other}_ra.any
deny   R3  dev  read    table/{other}_exploratory.any
deny   R3  dev  run     job/{othermodel}_train
"""),
("Validates preliminary model results on validation Feature Store appropriate for initial validation", """
allow  R3  validation  use   schema/{own}_ra
allow  R3  validation  read  table/{own}_ra.any
allow  R3  validation  read  table/{model}.any
allow  R3  validation  run   job/{model}_validate
deny   R3  validation  run   job/{model}_promote
deny   R3  validation  read  table/{own}.any
deny   R3  validation  read  table/{other}_ra.any
deny   R3  validation  write  *
"""),
("Data Science Analysts typically do not have write or compute access in the production environment.", """
deny  R3,R5  prod  write   *
deny  R3,R5  prod  create  *
deny  R3,R5  prod  run     *
deny  R3,R5  prod  register  *
deny  R3,R5  prod  set-alias  *
deny  R3,R5  prod  manage  *
deny  R3,R5  prod  use     cluster-policy/*
deny  R3,R5  prod  read    table/{own}.any
deny  R3,R5  prod  read    table/{own}_ra.any
deny  R3,R5  prod  read    table/{model}.any
"""),
("visibility to test results, logs, model artifacts, and production pipeline status", """
allow  R3,R5  all  view     job/{model}_{purpose}
allow  R3,R5  all  view     job/{fact}_featurize
allow  R3,R5  all  view     job/{fact}_withdraw
deny   R3,R5  all  run      job/{fact}_withdraw
allow  R3,R5  all  view     experiment/{model}
allow  R3,R5  all  view     experiment/{model}_validation
allow  R3,R5  all  read     volume/ml.artifacts
allow  R3,R5  all  execute  model/{model}.{model}
allow  R3,R5  all  use      schema/{model}
deny   R3,R5  all  view     job/{othermodel}_{purpose}
deny   R3,R5  all  view     experiment/{othermodel}
deny   R3,R5  all  execute  model/{othermodel}.{othermodel}
"""),
("orchestrating production Databricks Jobs Workflows for Featurization (data pipelines)", """
allow  R4  all  use    schema/{own}
allow  R4  all  use    schema/{own}_ra
allow  R4  all  read   table/{own}.any
allow  R4  all  read   table/{own}_ra.any
allow  R4  all  read   volume/ml.landing
allow  R4  all  write  volume/ml.landing
allow  R4  all  view   job/{fact}_featurize
allow  R4  all  view   job/{model}_featurize
allow  R4  all  run    job/{fact}_featurize
allow  R4  all  run    job/{model}_featurize
allow  R4  all  view   job/{fact}_withdraw
allow  R4  all  run    job/{fact}_withdraw
deny   R4  all  run    job/{model}_train
deny   R4  all  run    job/{model}_promote
deny   R4  all  write  table/{own}_ra.any
deny   R4  all  read   table/{model}.any
"""),
("The tasks include transforming, cleansing, data standardization, and feature engineering.", """
allow  R5  dev  use     schema/{own}
allow  R5  dev  use     schema/{own}_ra
allow  R5  dev  use     schema/{own}_exploratory
allow  R5  dev  read    table/{own}.any
allow  R5  dev  read    table/{own}_ra.any
allow  R5  dev  read    table/{own}_exploratory.any
allow  R5  dev  write   table/{own}_exploratory.any
allow  R5  dev  create  schema/{own}_exploratory
allow  R5  dev  run     job/{fact}_featurize
allow  R5  dev  run     job/{model}_featurize
deny   R5  dev  run     job/{model}_train
deny   R5  dev  read    table/{other}.any
deny   R5  dev  read    table/{model}.any
deny   R5  dev  write   table/{own}.any
"""),
("promotes code from Dev to Validation, and approves promotion to Production for full Featurization runs", """
allow  R5  validation  use   schema/{own}_ra
allow  R5  validation  read  table/{own}_ra.any
allow  R5  validation  run   job/{fact}_featurize
allow  R5  validation  run   job/{model}_featurize
allow  R5  dev,validation  run  job/{fact}_approve
allow  R3,R5  all      view  job/{fact}_approve
deny   R5  prod        run   job/{fact}_approve
deny   R1,R2,R3,R4,R6,R7  all  run  job/{fact}_approve
deny   R5  validation  read  table/{other}_ra.any
deny   R5  validation  run   job/{model}_promote
deny   R5  all         set-alias  model/{model}.{model}
"""),
("builds up and operates the ML infrastructure, manages the automated ML workflow pipelines", """
allow  R6  all  view    job/{model}_{purpose}
allow  R6  all  view    job/{fact}_featurize
allow  R6  all  view    job/{fact}_withdraw
deny   R6  all  run     job/{fact}_withdraw
allow  R6  all  run     job/{model}_{purpose}
allow  R6  all  run     job/{fact}_featurize
allow  R6  dev  manage  job/{model}_{purpose}
allow  R6  dev  manage  job/{fact}_featurize
allow  R6  all  view    experiment/{model}
allow  R6  all  view    experiment/{model}_validation
allow  R6  all  view    directory/*
allow  R6  all  read    volume/ml.artifacts
allow  R6  all  use     cluster-policy/*
deny   R6  validation,prod  manage  job/{model}_promote
deny   R6  all  read    table/{own}.any
deny   R6  all  read    table/{own}_ra.any
deny   R6  all  read    table/{model}.any
deny   R6  all  write   *
deny   R6  all  set-alias  *
"""),
("Upon approval of ML Engineer and validation by Data Science Analyst, the code can be promoted", """
allow  R7  all  view     job/{model}_{purpose}
allow  R7  all  view     job/{fact}_featurize
allow  R7  all  run      job/{model}_{purpose}
allow  R7  all  run      job/{fact}_featurize
allow  R7  all  view     experiment/{model}
allow  R7  all  view     experiment/{model}_validation
allow  R7  all  read     volume/ml.artifacts
allow  R7  all  use      schema/{model}
allow  R7  all  execute  model/{model}.{model}
deny   R7  all  set-alias  model/{model}.{model}
deny   R7  all  manage   *
deny   R7  all  read     table/{model}.any
deny   R7  all  use      cluster-policy/*
"""),
# What no sentence allows is denied: no role has a right that nobody can give a reason for.
("through an intermediate testing stage, to a final production stage that is tightly controlled", """
deny   *  all  *  *
"""),
)
# fmt: on
