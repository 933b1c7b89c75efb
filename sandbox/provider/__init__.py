"""A stand-in for the terraform providers databricks 1.99.0 and azurerm 4.55.0, for laptops and tests.

On Azure the real provider is used, with the byte-identical ``cdk.tf.json``.  Here terraform starts this package as its
provider process; resources live in a local workspace folder (``sandbox.workspace``).
"""
