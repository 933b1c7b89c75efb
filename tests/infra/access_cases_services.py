"""What the service accounts do, as the seed says it: cases as in `access_cases`, with withdrawal and break-glass."""

from __future__ import annotations

# fmt: off
OWNED: tuple[tuple[str, str], ...] = (
("MLOps Service Accounts own both the development and production environment", """
allow  sp-deploy   all  own     catalog/*
allow  sp-deploy   all  own     schema/*
allow  sp-deploy   all  own     volume/*
allow  sp-deploy   all  own     job/*
allow  sp-deploy   all  find    catalog/*
allow  sp-deploy   all  use     catalog/*
allow  sp-deploy   all  tag     catalog/*
allow  sp-deploy   all  create-schema  catalog/*
allow  sp-deploy   all  use     schema/*
allow  sp-deploy   all  tag     schema/*
allow  sp-deploy   all  create  schema/*
allow  sp-deploy   all  create-function  schema/*
allow  sp-deploy   all  create-model     schema/*
allow  sp-deploy   all  create-view      schema/*
allow  sp-deploy   all  create-volume    schema/*
allow  sp-deploy   all  use-outside      schema/*
allow  sp-deploy   all  read    volume/*
allow  sp-deploy   all  write   volume/*
allow  sp-deploy   all  tag     volume/*
allow  sp-deploy   all  manage  *
allow  sp-deploy   all  view    job/*
allow  sp-deploy   all  run     job/*
allow  sp-deploy   all  view    experiment/*
allow  sp-deploy   all  write   experiment/*
allow  sp-deploy   all  view    directory/*
allow  sp-deploy   all  write   directory/*
allow  sp-deploy   all  run     directory/*
allow  sp-deploy   all  USE_CATALOG  catalog/*
allow  sp-deploy   all  MANAGE       model/*
allow  sp-deploy   all  CAN_MANAGE   experiment/*
allow  sp-promote  all  own       model/*
allow  sp-promote  all  manage    model/*
allow  sp-promote  all  set-alias  model/*
allow  sp-promote  all  register  model/*
allow  sp-promote  all  tag       model/*
allow  sp-promote  all  execute   model/*
deny   sp-deploy   all  read    table/{own}.any
deny   sp-deploy   all  set-alias  *
deny   R*          all  own     *
"""),
("These pipelines compute fresh feature values, train and test new model versions, publish predictions to downstream tables or applications, and monitor the entire process", """
allow  sp-featurize,sp-promote,sp-serve,sp-train  all  use  catalog/*
allow  sp-featurize,sp-promote,sp-serve,sp-train  all  use  cluster-policy/*
allow  sp-featurize  all  use     schema/{own}
allow  sp-featurize  all  use     schema/{own}_ra
allow  sp-featurize  all  use     schema/reference
allow  sp-featurize  all  use     schema/{model}
allow  sp-featurize  all  read    table/{own}.any
allow  sp-featurize  all  read    table/{own}_ra.any
allow  sp-featurize  all  read    table/reference.any
allow  sp-featurize  all  read    table/{model}.any
allow  sp-featurize  all  write   table/{own}_ra.any
allow  sp-featurize  all  write   table/reference.any
allow  sp-featurize  all  write   table/{model}.any
allow  sp-featurize  all  create  schema/{own}_ra
allow  sp-featurize  all  create  schema/reference
allow  sp-featurize  all  create  schema/{model}
allow  sp-featurize  all  read    volume/ml.landing
deny   sp-featurize  all  execute  model/{model}.{model}
deny   sp-featurize  all  write   volume/ml.landing
allow  sp-train,sp-serve  all  use   schema/{own}_ra
allow  sp-train,sp-serve  all  read  table/{own}_ra.any
deny   sp-train,sp-serve  all  write  table/{own}_ra.any
allow  sp-train,sp-promote,sp-serve  all  use     schema/{model}
allow  sp-train,sp-promote,sp-serve  all  read    table/{model}.any
allow  sp-train,sp-promote,sp-serve  all  write   table/{model}.any
allow  sp-train,sp-promote,sp-serve  all  create  schema/{model}
allow  sp-train,sp-serve  all  execute   model/{model}.{model}
allow  sp-train      all  register  model/{model}.{model}
allow  sp-train      all  tag       model/{model}.{model}
allow  sp-train      all  view      job/{model}_train
allow  sp-train      all  run       job/{model}_train
allow  sp-serve      all  view      job/{model}_retrain
allow  sp-serve      all  run       job/{model}_retrain
allow  sp-promote,sp-serve  all  view  experiment/{model}
deny   sp-train      all  set-alias  model/{model}.{model}
deny   sp-serve      all  set-alias  model/{model}.{model}
deny   sp-serve      all  register   model/{model}.{model}
deny   sp-train,sp-serve  all  read  table/{own}.any
deny   sp-train      all  run       job/{model}_promote
deny   sp-serve      all  run       job/{model}_promote
"""),
("Access control and versioning are key components of any software operations process.", """
allow  R6      all  view  job/{fact}_unseal
allow  R6      all  run   job/{fact}_unseal
deny   R6      all  manage  job/{fact}_unseal
allow  R3,R5   all  view  job/{fact}_unseal
deny   R3,R5   all  run   job/{fact}_unseal
deny   R4,R7   all  run   job/{fact}_unseal
allow  sp-deploy  all  use    cluster-policy/*
allow  sp-deploy  all  read   table/ml.any
allow  sp-deploy  all  write  table/ml.any
allow  sp-deploy  all  USE_SCHEMA    schema/ml
allow  sp-deploy  all  CREATE_TABLE  schema/ml
allow  sp-deploy  all  READ_VOLUME   volume/ml.artifacts
allow  sp-featurize  all  write  table/{own}.any
allow  sp-featurize  dev  use    schema/{own}_exploratory
allow  sp-featurize  dev  read   table/{own}_exploratory.any
allow  sp-featurize  dev  write  table/{own}_exploratory.any
deny   sp-featurize  all  create  schema/{own}
deny   sp-featurize  dev  create  schema/{own}_exploratory
deny   sp-train,sp-promote,sp-serve,sp-deploy  all  write  table/{own}.any
"""),
("Metadata tracking and logging is required for each training job iteration", """
allow  sp-featurize,sp-promote,sp-serve,sp-train  all  use     schema/ml
allow  sp-featurize,sp-promote,sp-serve,sp-train  all  read    table/ml.any
allow  sp-featurize,sp-promote,sp-serve,sp-train  all  write   table/ml.any
allow  sp-featurize,sp-promote,sp-serve,sp-train  all  create  schema/ml
allow  sp-train  all  view   experiment/{model}
allow  sp-train  all  view   experiment/{model}_validation
allow  sp-train  all  write  experiment/{model}
allow  sp-train  all  write  experiment/{model}_validation
deny   sp-serve,sp-promote  all  write  experiment/{model}
"""),
("For each task, the required artifacts (e.g., images) are pulled from the artifact store", """
allow  sp-featurize,sp-promote,sp-serve,sp-train  all  read   volume/ml.artifacts
deny   sp-featurize,sp-promote,sp-serve,sp-train  all  write  volume/ml.artifacts
"""),
)
# fmt: on
