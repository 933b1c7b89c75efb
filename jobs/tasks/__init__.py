"""Thin entry points: each reads, calls pure transforms and writes; one function a task."""
