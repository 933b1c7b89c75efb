"""The stand-in for the terraform provider azurerm 4.55.0: the resource types that a Databricks platform needs."""
