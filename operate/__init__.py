"""Operating a workspace: run jobs and watch them, read runs and logs, cancel, repair, see how it stands.

Knows the official client (`databricks.sdk`) and nothing else: what it does is the same on Azure and in the sandbox.
"""
