"""The only package of the wheel that touches sessions, dbutils, MLflow clients, volumes and the environment."""
