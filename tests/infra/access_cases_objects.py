"""What lies around the data, as the seed's sentences say it: cases as in `access_cases`, of storage and of what people
open in a workspace. `endpoint` is that of a live model; `workspace` is the workspace itself.
"""

from __future__ import annotations

# fmt: off
AROUND: tuple[tuple[str, str], ...] = (
("MLOps Service Accounts own both the development and production environment", """
allow  sp-deploy  all  own             external_location/*
allow  sp-deploy  all  own             storage_credential/*
allow  sp-deploy  all  find            external_location/*
allow  sp-deploy  all  read            external_location/*
allow  sp-deploy  all  read            storage_credential/*
allow  sp-deploy  all  write           external_location/*
allow  sp-deploy  all  write           storage_credential/*
allow  sp-deploy  all  create          external_location/*
allow  sp-deploy  all  create          storage_credential/*
allow  sp-deploy  all  create-foreign  external_location/*
allow  sp-deploy  all  create-table    external_location/*
allow  sp-deploy  all  create-table    storage_credential/*
allow  sp-deploy  all  store           external_location/*
allow  sp-deploy  all  use-outside     external_location/*
allow  sp-deploy  all  CREATE_EXTERNAL_LOCATION  storage_credential/*
allow  sp-deploy  all  CREATE_EXTERNAL_VOLUME    external_location/*
allow  sp-deploy  all  CREATE_MANAGED_STORAGE    external_location/*
allow  sp-deploy  all  own     warehouse/*
allow  sp-deploy  all  use     warehouse/*
allow  sp-deploy  all  view    warehouse/*
allow  sp-deploy  all  monitor  warehouse/*
allow  sp-deploy  all  view    dashboard/*
allow  sp-deploy  all  run     dashboard/*
allow  sp-deploy  all  write   dashboard/*
allow  sp-deploy  all  view    alert/*
allow  sp-deploy  all  run     alert/*
allow  sp-deploy  all  write   alert/*
allow  sp-deploy  all  CAN_MANAGE  dashboard/*
allow  sp-deploy  all  CAN_MANAGE  directory/*
allow  sp-deploy  all  read    secret-scope/*
allow  sp-deploy  all  write   secret-scope/*
deny   R*  all  read   external_location/*
deny   R*  all  write  external_location/*
deny   R*  all  read   storage_credential/*
deny   R*  all  read   secret-scope/*
deny   R*  all  create-cluster  workspace/*
deny   R*  all  create-pool     workspace/*
deny   sp-featurize,sp-promote,sp-serve,sp-train  all  read    external_location/*
deny   sp-featurize,sp-promote,sp-serve,sp-train  all  create  external_location/*
deny   sp-featurize,sp-promote,sp-serve,sp-train  all  read    storage_credential/*
deny   sp-featurize,sp-promote,sp-train           all  read    secret-scope/*
"""),
("These pipelines compute fresh feature values, train and test new model versions, publish predictions to downstream tables or applications, and monitor the entire process", """
allow  sp-featurize,sp-serve  all  read   volume/ml.checkpoints
allow  sp-featurize,sp-serve  all  write  volume/ml.checkpoints
deny   sp-train,sp-promote    all  read   volume/ml.checkpoints
deny   R*                     all  read   volume/ml.checkpoints
allow  sp-deploy,sp-featurize,sp-promote,sp-serve,sp-train  all  open  workspace/*
deny   sp-featurize,sp-promote,sp-serve,sp-train            all  create-cluster  workspace/*
"""),
("Batch jobs typically publish predictions to Lakehouse tables, over a JDBC connection, or to flat files.", """
allow  sp-serve  all  read   volume/ml.exports
allow  sp-serve  all  write  volume/ml.exports
allow  sp-serve  all  read   secret-scope/*
deny   sp-serve  all  write  secret-scope/*
deny   R*        all  read   volume/ml.exports
deny   sp-featurize,sp-train,sp-promote  all  read  volume/ml.exports
"""),
("Collaboration ensures the possibility to work collaboratively on data, model, and code.", """
allow  R*  all  open   workspace/*
allow  R*  all  query  workspace/*
allow  R*  all  view   directory//cdh/platform-status
allow  R*  all  view   dashboard/*
allow  R*  all  CAN_READ  directory//cdh/platform-status
allow  R*  all  CAN_READ  dashboard/*
deny   R*  all  write  dashboard/*
deny   R*  all  run    dashboard/*
"""),
("visibility to test results, logs, model artifacts, and production pipeline status", """
allow  R3,R5  all  view  directory//cdh/platform-alerts
allow  R3,R5  all  view  alert/*
allow  R3,R5  all  view  endpoint/{model}
deny   R3,R5  all  run   alert/*
deny   R3,R5  all  execute  endpoint/{model}
deny   R3,R5  all  view  endpoint/{othermodel}
allow  sp-deploy  all  use   schema/{model}
allow  sp-deploy  all  read  table/{model}.any
allow  sp-deploy  all  USE_SCHEMA  schema/{model}
deny   sp-deploy  all  write  table/{model}.any
"""),
("Registers Experiment Runs as Models for deployment, defines which Production Models are refreshed", """
allow  R1  all  use      warehouse/*
allow  R1  all  view     warehouse/*
deny   R1  all  monitor  warehouse/*
deny   R1  all  manage   warehouse/*
"""),
("Data Science Analysts develop featurization data, feature definitions, and explore methods.", """
allow  R3  dev  use      warehouse/*
allow  R3  dev  view     warehouse/*
deny   R3  dev  monitor  warehouse/*
"""),
("Validates preliminary model results on validation Feature Store appropriate for initial validation", """
allow  R3  validation  use      warehouse/*
allow  R3  validation  view     warehouse/*
deny   R3  validation  monitor  warehouse/*
"""),
("The tasks include transforming, cleansing, data standardization, and feature engineering.", """
allow  R5  dev  use      warehouse/*
allow  R5  dev  view     warehouse/*
deny   R5  dev  monitor  warehouse/*
"""),
("promotes code from Dev to Validation, and approves promotion to Production for full Featurization runs", """
allow  R5  validation  use      warehouse/*
allow  R5  validation  view     warehouse/*
deny   R5  validation  monitor  warehouse/*
"""),
("Data Science Analysts typically do not have write or compute access in the production environment.", """
deny  R3,R5  prod  use   warehouse/*
deny  R3,R5  prod  view  warehouse/*
deny  R3,R5  prod  own   warehouse/*
"""),
("orchestrating production Databricks Jobs Workflows for Featurization (data pipelines)", """
allow  R4  all  use      warehouse/*
allow  R4  all  view     warehouse/*
deny   R4  all  monitor  warehouse/*
"""),
("builds up and operates the ML infrastructure, manages the automated ML workflow pipelines", """
allow  R6  all  view     warehouse/*
allow  R6  all  monitor  warehouse/*
allow  R6  all  use      warehouse/*
deny   R6  all  manage   warehouse/*
"""),
("monitors both the deployed model and the ML infrastructure", """
allow  R6  all  view  alert/*
allow  R6  all  CAN_READ  directory//cdh/platform-alerts
allow  R6  all  CAN_READ  directory//cdh/quality-monitors
allow  R6  all  view  endpoint/{model}
deny   R6  all  execute  endpoint/{model}
deny   R6  all  run   alert/*
deny   R1,R2,R4,R7  all  view  alert/*
deny   R1,R2,R3,R4,R5,R7  all  view  directory//cdh/quality-monitors
"""),
("manages the model-serving computation infrastructure", """
allow  R7  all  view     endpoint/{model}
allow  R7  all  execute  endpoint/{model}
deny   R7  all  manage   endpoint/{model}
deny   R2,R4  all  view  endpoint/{model}
"""),
("deploys the model for production serving", """
allow  sp-deploy             all  execute  model/*
allow  sp-deploy,sp-promote  all  view     endpoint/{model}
allow  sp-deploy,sp-promote  all  execute  endpoint/{model}
allow  sp-promote            all  manage   endpoint/{model}
deny   sp-train,sp-featurize  all  view    endpoint/{model}
"""),
("For real-time predictions, features must come from the online database", """
allow  sp-serve  all  view     endpoint/{model}
allow  sp-serve  all  execute  endpoint/{model}
deny   sp-serve  all  manage   endpoint/{model}
"""),
("Upon approval of ML Engineer and validation by Data Science Analyst, the code can be promoted", """
allow  sp-promote@prod  validation  use   catalog/*
allow  sp-promote@prod  validation  use   schema/ml
allow  sp-promote@prod  validation  read  table/ml.any
deny   sp-promote@prod  validation  write  table/ml.any
deny   sp-promote@prod  validation  read  table/{model}.any
deny   sp-promote@prod  validation  read  table/{own}_ra.any
deny   sp-promote@prod  dev,prod    use   catalog/*
"""),
)
# fmt: on
