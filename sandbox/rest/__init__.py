"""The workspace's REST door: Databricks' API on loopback, for the official SDK, our own commands and the real provider.

What it keeps is the same store, made by the same kinds as the plugin door's (``sandbox.provider``); the modules here
translate between the API's JSON and terraform's attributes, one noun each, and check who asks.
"""
