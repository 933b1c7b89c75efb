"""The pure part of modelling: frames and arrays in, frames and numbers out. No Spark, no MLflow, no clock."""
