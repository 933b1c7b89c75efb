"""Reads terraform's JSON and tells a reviewer what it means."""
